-- Forget what recurs; what it has submitted goes on.
--
-- KEYS     schedule  schedules
-- ARGV     name   str
--          token  str   names this call: asked again, it answers the same
-- RETURNS  {'removed'}
--          {'unknown'}
-- @include answers

redis.call('ZREM', K.schedules, name)
if redis.call('DEL', K.schedule .. name) == 0 then
  return {Answers.of(token) or 'unknown'}
end
Answers.keep(token, 'removed')
return {'removed'}
