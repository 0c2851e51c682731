-- Let what recurs rest, or go on: at the first moment from now on.
--
-- KEYS     schedule  schedules
-- ARGV     name    str
--          paused  int   1 = it rests
--          due     int   of one that goes on: its next moment, ms of unix time
-- RETURNS  {'paused'}
--          {'resumed'}
--          {'unknown'}
-- @include layout  texts/number

local key = K.schedule .. name
if redis.call('EXISTS', key) == 0 then
  return {'unknown'}
end
Layout.mark()
if paused == 1 then
  redis.call('HSET', key, 'paused', '1')
  redis.call('ZADD', K.schedules, '+inf', name)
  return {'paused'}
end
if redis.call('HDEL', key, 'paused') == 1 then
  redis.call('HSET', key, 'due', Number.text(due))
  redis.call('ZADD', K.schedules, Number.text(due), name)
end
return {'resumed'}
