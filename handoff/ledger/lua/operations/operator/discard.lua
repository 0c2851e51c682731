-- Drop functions that have failed or were canceled, with all that is kept of them; one that is none is left as it is.
--
-- ARGV     token  str   names this call: asked again, it answers the same
--          ids    list  of jobs
-- RETURNS  {'discarded', how many}
-- @include answers  jobs/job  jobs/replacing  texts/number  time/events

local answered = Answers.of(token)
if answered then
  return {'discarded', Number.whole(answered)}
end
local count = 0
for i = ids_first, #ARGV do
  local job = Job.read(ARGV[i])
  if job and Replacing.may(job) then
    Replacing.clear(job)
    Events.emit('discarded', 'job', job.id)
    count = count + 1
  end
end
if count > 0 then
  Answers.keep(token, Number.text(count))
end
return {'discarded', count}
