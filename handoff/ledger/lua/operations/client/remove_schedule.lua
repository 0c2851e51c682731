-- Forget what recurs; what it has submitted goes on.
--
-- KEYS     schedule  schedules
-- ARGV     name  str
-- RETURNS  {'removed'}
--          {'unknown'}
redis.call('ZREM', K.schedules, name)
if redis.call('DEL', K.schedule .. name) == 0 then
  return {'unknown'}
end
return {'removed'}
