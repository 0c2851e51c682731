-- The end of a function, written as RQ would: status, result stream, registry, expiry.
--
-- KEYS     rq_job  rq_results
-- @include jobs/dependencies  jobs/job  jobs/registries  jobs/telling  jobs/unique  jobs/words  runs/leftovers  runs/run
-- @include texts/number  texts/timer  time/timers  time/timestamp

-- rq.results.Result.Type
local RESULT_TYPE = {finished = 1, failed = 2, stopped = 3, canceled = 3}

-- Seconds that a job is kept after its end, -1 = for ever. Jobs that came by rq's own hands, or were saved by their
-- functions, may name none, or none that is whole seconds: then RQ's defaults hold. More than Redis takes is for ever.
local RESULT_TTL, FAILURE_TTL, LONGEST_TTL = 500, 31536000, 10 ^ 10

local function lifetime_of(job, status)
  local ttl
  if status == 'finished' then
    ttl = Number.whole(job.result_ttl, -1, math.huge) or RESULT_TTL
  else
    ttl = Number.whole(job.failure_ttl, -1, math.huge) or FAILURE_TTL
  end
  return ttl > LONGEST_TTL and -1 or ttl
end

local function add_result(call, results, status, worker, body)
  return call('XADD', results, 'MAXLEN', 10, '*', 'type', RESULT_TYPE[status], 'worker_name', worker, unpack(body))
end

-- Every end appends to the result stream, so that whoever waits on it wakes. `body` is {'return_value', text},
-- {'exc_string', text} or {}. What belongs to a run is kept until that has ended. `culprit`: see Run.leave.
function Ending.job(job, status, body, culprit)
  local queue = job.origin
  if Job.option(job, 'wait') then
    Timers.drop(Timer.of('expire', job.id))
  end
  Unique.leave(job, status)
  if job.awaited then
    Leftovers.add('release', status, job.id)
  end
  local ttl = job.run and Run.leave(job, status, culprit) and -1 or lifetime_of(job, status)
  local results = K.rq_results .. job.id
  Dependencies.expire(job, ttl)
  if ttl == 0 then
    Job.drop(job.id)
    redis.call('DEL', results)
    Telling.expire(job, 0)
    Words.leave(job)
    return
  end
  Job.set(job, 'status', status, 'ended_at', Timestamp.now())
  local worker = job.node and queue or ''
  if add_result(redis.pcall, results, status, worker, body).err then
    -- What others put there is no stream, or one that is full.
    redis.call('DEL', results)
    add_result(redis.call, results, status, worker, body)
  end
  if ttl > 0 then
    Job.flush(job.id)
    redis.call('EXPIRE', K.rq_job .. job.id, ttl)
    redis.call('EXPIRE', results, ttl)
  end
  Telling.expire(job, ttl * 1000)
  Registries.add(Registries.of(status) .. queue, job.id, ttl)
end
