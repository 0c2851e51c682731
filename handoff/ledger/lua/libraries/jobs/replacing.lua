-- A function that has ended makes way: for another of its id, or because nobody wants it any more.
--
-- KEYS     callbacks  rq_results
-- @include jobs/job  jobs/queues  jobs/registries  jobs/telling

local MAKES_WAY = {failed = true, stopped = true, canceled = true}

-- Of those of this namespace alone; one of a run belongs to that. `level` 2: one that has finished too.
function Replacing.may(job, level)
  return (MAKES_WAY[job.status] or (level == 2 and job.status == 'finished')) and not job.run and not job.is_foreign and Queues.is_ours(job.origin)
end

-- What of it stands anywhere else, where rq's tools canceled it, is found as what is left of a job that they deleted.
function Replacing.clear(job)
  Registries.leave(Registries.of(job.status) .. job.origin, job.id)
  redis.call('LREM', K.callbacks, 0, job.id)
  redis.call('DEL', K.rq_results .. job.id)
  Telling.expire(job, 0)
  Job.drop(job.id)
end
