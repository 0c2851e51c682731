-- Cancel one function, in whatever state it is.
--
-- Asked again with the same token it answers the same.
--
-- ARGV     job_id     str
--          token      str   names this cancel
-- RETURNS  {'canceled'}  this call decided
--          {'ended'}     it had ended, or another call had canceled it
--          {'unknown'}   there is no such function
-- @include settle  jobs/cancel  jobs/job  jobs/queues  jobs/words  nodes/lapse

Lapse.leases()
local job = Job.read(job_id)
if job and not Queues.is_ours(job.origin) then
  return {'unknown'}
end
if not job then
  local _, canceled = Words.read(job_id)
  return {canceled == token and 'canceled' or 'unknown'}
end
local decided = Cancel.job(job, token)
Settle.go_on(4)
return {decided and 'canceled' or 'ended'}
