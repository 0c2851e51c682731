-- Cancel a run: nothing more of it is started, and what runs is stopped.
--
-- Asked again with the same token it answers the same.
--
-- KEYS     run
-- ARGV     lobby      str
--          run        str
--          token      str   names this cancel
--          lost_text  str   exc_string of a function lost with its node
--          now_ms     int   0 = the server's clock
-- RETURNS  {'canceled'}  this call decided
--          {'ended'}     it had ended, or was being stopped already
--          {'unknown'}   there is no such run
-- @include lib/settle
-- @include lib/lapse

local now = clock(now_ms)
lapse_leases(now)
local fields = redis.call('HMGET', K.run .. run, 'state', 'cancel')
if not fields[1] then
  return {'unknown'}
end
if fields[1] == 'loading' then
  drop_run(run)
  settle(lost_text, lobby, now, 32)
  return {'canceled'}
end
if fields[1] ~= 'running' then
  return {fields[2] == token and 'canceled' or 'ended'}
end
redis.call('HSET', K.run .. run, 'cancel', token)
stop_run(run, 'canceled', now)
settle(lost_text, lobby, now, 32)
return {'canceled'}
