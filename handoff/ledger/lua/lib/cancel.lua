-- Canceling one function, in whatever state it is.
--
-- KEYS     rq_queue  rq_deferred  rq_channel  delayed  dirty
-- @include lib/wake
-- @include lib/ending

-- Give back what a function holds that is neither queued nor started. -> the node
local function give_back_early(job, outcome, now)
  local node = job.h_node and load_node(job.h_node)
  return node and give_back(node, reservation_of(job), outcome, now) and node or nil
end

-- Take a function that has not started off wherever it stands, with what it holds.
local function take_off(job, outcome, lobby, now)
  local node
  if job.status == 'queued' then
    redis.call('LREM', K.rq_queue .. job.origin, 0, job.id)
    node = give_back_early(job, outcome, now)
  else
    redis.call('ZREM', K.rq_deferred .. lobby, job.id)
    redis.call('ZREM', K.delayed, job.id)
    if job.h_state == 'waiting' then
      stop_waiting(job, now)
      count_gone()
    elseif job.h_reserved then
      node = give_back_early(job, outcome, now)
    end
  end
  return node
end

-- What has not started ends here and now. What runs is marked: its agent kills the child, and `finish` ends it as
-- canceled whatever the child returned meanwhile. -> whether this call decided
local function cancel_job(job, token, lobby, now, culprit)
  if job.h_cancel then
    return job.h_cancel == token
  end
  if job.status == 'started' then
    set_job(job, 'h_cancel', token)
    redis.call('PUBLISH', K.rq_channel .. job.origin, '{"command": "stop-job", "job_id": "' .. job.id .. '"}')
    return true
  end
  if job.status ~= 'deferred' and job.status ~= 'queued' then
    return false
  end
  set_job(job, 'h_cancel', token)
  local is_deferred = job.status == 'deferred'
  local node = take_off(job, 'canceled', lobby, now)
  end_job(job, 'canceled', {}, now, culprit)
  if node and token == 'run' then
    -- One of many: all that they gave back is filled at once, with a budget.
    redis.call('ZADD', K.dirty, '-inf', node.name)
  elseif node then
    wake(node, lobby, now, 8)
  end
  if is_deferred then
    emit(now, 'canceled', 'job', job.id)
  end
  return true
end
