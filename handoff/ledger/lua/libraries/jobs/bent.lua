-- A function of whose hash a field cannot be read: it ends as failed, saying which, and the others go on.
--
-- KEYS     callbacks  delayed  waiting
-- @include jobs/dependencies  jobs/ending  jobs/exc_string  jobs/job  jobs/lobby  jobs/queues  nodes/dirty  nodes/node  nodes/reservations
-- @include texts/timer  time/events  time/timers  waiting/firsts

-- Where it stood in lines, these drop it when they come to it. -> the outcome: 'failed' or 'failed+callback'
function Bent.fail(job)
  local node = job.node and Node.load(job.node)
  if node and Reservations.give_back(node, Job.reservation(job), 'failed') then
    Dirty.mark(node.name)
  end
  Lobby.leave(job.id)
  redis.call('ZREM', K.delayed, job.id)
  Firsts.take_off(K.waiting, job.id)
  if job.status == 'deferred' and not job.run then
    Dependencies.leave(job)
  end
  redis.pcall('LREM', Queues.settle(job.origin), 0, job.id)
  for _, kind in ipairs({'expire', 'unfit'}) do
    Timers.drop(Timer.of(kind, job.id))
  end
  Job.set(job, 'error', 'handoff.errors.InvalidFunction', 'message',
    'its field ' .. Job.stored_name(job.bent) .. ' is not what this version of Handoff writes there')
  Ending.job(job, 'failed', {'exc_string', ExcString.BENT})
  Events.emit('failed', 'job', job.id, 'error', 'handoff.errors.InvalidFunction')
  return job.failure_callback_name and 'failed+callback' or 'failed'
end

-- Not of those that run: these end when their child does, or with their node.
local IS_OVER = {started = true, finished = true, failed = true, stopped = true, canceled = true}

-- The same where no agent calls that could run its on_failure. -> whether that has ended it
function Bent.ends(job)
  if not job.bent or IS_OVER[job.status] then
    return false
  end
  if Bent.fail(job) == 'failed+callback' then
    redis.call('RPUSH', K.callbacks, job.id)
  end
  return true
end
