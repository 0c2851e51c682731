-- Cancel many functions, each as `cancel` does: one that is not canceled does not keep the others.
--
-- Asked again with the same token it answers the same.
--
-- ARGV     token    str   names this cancel
--          running  int   0 = those that have started are left alone
--          ids      list  of jobs
-- RETURNS  {'canceled', {places in the list of those that this call decided}}
-- @include settle  jobs/cancel  jobs/job  jobs/queues  jobs/words  nodes/lapse

Lapse.leases()
local decided = {}
for i = ids_first, #ARGV do
  local id, is_ours = ARGV[i], false
  local job = Job.read(id)
  if not job then
    local _, canceled = Words.read(id)
    is_ours = canceled == token
  elseif Queues.is_ours(job.origin) and (running == 1 or job.status ~= 'started') then
    is_ours = Cancel.job(job, token, nil, true)
  end
  if is_ours then
    decided[#decided + 1] = i - ids_first + 1
  end
end
Settle.go_on(32)
return {'canceled', decided}
