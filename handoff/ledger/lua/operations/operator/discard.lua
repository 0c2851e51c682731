-- Drop functions that have failed or were canceled, with all that is kept of them; one that is none is left as it is.
--
-- ARGV     ids  list  of jobs
-- RETURNS  {'discarded', how many}
-- @include jobs/job  jobs/replacing  time/events

local count = 0
for i = ids_first, #ARGV do
  local job = Job.read(ARGV[i])
  if job and Replacing.may(job) then
    Replacing.clear(job)
    Events.emit('discarded', 'job', job.id)
    count = count + 1
  end
end
return {'discarded', count}
