-- Canceling one function, in whatever state it is.
--
-- KEYS     delayed
-- @include jobs/bent  jobs/commands  jobs/dependencies  jobs/ending  jobs/job  jobs/lobby  jobs/queues  nodes/dirty
-- @include nodes/node  nodes/reservations  time/events
-- @include waiting/counters  waiting/waiting  waiting/wake

-- Give back what a function has reserved that has not started. -> the node
local function give_back_early(job, outcome)
  local node = job.node and Node.load(job.node)
  return node and Reservations.give_back(node, Job.reservation(job), outcome) and node or nil
end

-- Take a function that has not started off wherever it stands, with what it has reserved. -> the node that had it
function Cancel.take_off(job, outcome)
  if job.status == 'queued' then
    Queues.remove(job.origin, job.id)
    -- Put onto a queue by rq's own hands, it may have no node.
    return give_back_early(job, outcome)
  end
  Lobby.leave(job.id)
  redis.call('ZREM', K.delayed, job.id)
  if job.state == 'waiting' then
    Waiting.stop(job)
    Counters.count_gone()
  elseif job.state == 'deferred' and not job.run then
    Dependencies.leave(job)
  elseif job.reserved then
    return give_back_early(job, outcome)
  end
end

-- What has not started ends here and now. What runs is marked: its agent kills the child, and `finish` ends it as
-- canceled whatever the child returned meanwhile. With `is_of_many` the room is for whoever goes on with what is left over.
-- -> whether this call decided
function Cancel.job(job, token, culprit, is_of_many)
  if job.cancel then
    return job.cancel == token
  end
  if Bent.ends(job) then
    return false
  end
  if job.status == 'started' then
    Job.set(job, 'cancel', token)
    Commands.stop(job)
    return true
  end
  if job.status ~= 'deferred' and job.status ~= 'queued' then
    return false
  end
  Job.set(job, 'cancel', token)
  local is_deferred = job.status == 'deferred'
  local node = Cancel.take_off(job, 'canceled')
  Ending.job(job, 'canceled', {}, culprit)
  if node and (is_of_many or token == 'run') then
    -- All that they gave back is filled at once, with a budget.
    Dirty.mark(node.name)
  elseif node then
    Wake.node(node, 8)
  end
  if is_deferred then
    Events.emit('canceled', 'job', job.id)
  end
  return true
end
