-- Write anew when what recurs is due next, where ticks look for that. Where its own words cannot be read, it rests.
--
-- KEYS     schedule  schedules
-- ARGV     name  str
-- RETURNS  {'mended'}
-- @include texts/number

local key = K.schedule .. name
if redis.call('EXISTS', key) == 0 then
  redis.call('ZREM', K.schedules, name)
  return {'mended'}
end
local known = redis.call('HMGET', key, 'due', 'paused')
local due = Number.whole(known[1], -Number.MOST)
if known[2] or not due then
  redis.call('HSET', key, 'paused', '1')
  redis.call('ZADD', K.schedules, '+inf', name)
else
  redis.call('ZADD', K.schedules, Number.text(due), name)
end
return {'mended'}
