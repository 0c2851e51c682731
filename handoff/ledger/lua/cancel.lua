-- Cancel one function, in whatever state it is.
--
-- Asked again with the same token it answers the same.
--
-- ARGV     lobby      str
--          job_id     str
--          token      str   names this cancel
--          lost_text  str   exc_string of a function lost with its node
--          now_ms     int   0 = the server's clock
-- RETURNS  {'canceled'}  this call decided
--          {'ended'}     it had ended, or another call had canceled it
--          {'unknown'}   there is no such function
-- @include lib/settle
-- @include lib/lapse

local now = clock(now_ms)
lapse_leases(now)
local job = read_job(job_id)
if job and not is_ours(job, lobby) then
  return {'unknown'}
end
if not job then
  local _, canceled = read_word(job_id)
  return {canceled == token and 'canceled' or 'unknown'}
end
local decided = cancel_job(job, token, lobby, now)
settle(lost_text, lobby, now, 4)
return {decided and 'canceled' or 'ended'}
