-- Set how often, and for how long, the first of a shape may be overtaken before it holds a node.
--
-- KEYS     overtaking
-- ARGV     count   int   placements; 0 = however many, -1 = as it is
--          ms      int   0 = however long, -1 = as it is
-- RETURNS  {'limited'}
-- @include layout

Layout.mark()
for field, value in pairs({count = count, ms = ms}) do
  if value >= 0 then
    redis.call('HSET', K.overtaking, field, value)
  end
end
return {'limited'}
