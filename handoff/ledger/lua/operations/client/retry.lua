-- Let a function that has failed or was canceled start afresh under its id, with all that it asked for.
--
-- Asked again with the same token it answers as the function stands.
--
-- ARGV     job_id  str
--          token   str  names this call
-- RETURNS  {'again', demand, reply}  reply: as of `submit`; 'held': nothing was written
--          {'kept', status, run}     nothing was written: RQ's word for where it stands; the run it belongs to, or ''
--          {'bent', field}           what it asked for cannot be read
--          {'unknown'}
-- @include jobs/job  jobs/queues  jobs/replacing  jobs/retrying  jobs/submitting

local job = Job.read(job_id)
if not job or not Queues.is_ours(job.origin) then
  return {'unknown'}
end
local is_repeated = job.token == token
if not is_repeated and not Replacing.may(job) then
  return {'kept', job.status or '', job.run or ''}
end
if job.bent then
  return {'bent', Job.stored_name(job.bent)}
end
local demand = job.demand
local kind, one = Retrying.anew(job, token)
Submitting.check({kind}, {one})
return {'again', demand, Submitting.many({one})[1]}
