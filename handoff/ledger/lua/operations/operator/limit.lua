-- Set how often, and for how long, the first of a shape may be overtaken before it holds a node.
--
-- KEYS     overtaking
-- ARGV     count   int   placements; 0 = however many
--          ms      int   0 = however long
-- RETURNS  {'limited'}
-- @include layout

Layout.mark()
redis.call('HSET', K.overtaking, 'count', count, 'ms', ms)
return {'limited'}
