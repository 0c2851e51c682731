-- Cancel a run: nothing more of it is started, and what runs is stopped.
--
-- Asked again with the same token it answers the same.
--
-- KEYS     run
-- ARGV     run        str
--          token      str   names this cancel
-- RETURNS  {'canceled'}  this call decided
--          {'ended'}     it had ended, or was being stopped already
--          {'unknown'}   there is no such run
-- @include settle  nodes/lapse  runs/run

Lapse.leases()
local fields = redis.call('HMGET', K.run .. run, 'state', 'cancel')
if not fields[1] then
  return {'unknown'}
end
if fields[1] == 'loading' then
  Run.drop(run)
  Settle.go_on(32)
  return {'canceled'}
end
if fields[1] ~= 'running' then
  return {fields[2] == token and 'canceled' or 'ended'}
end
redis.call('HSET', K.run .. run, 'cancel', token)
Run.stop(run, 'canceled')
Settle.go_on(32)
return {'canceled'}
