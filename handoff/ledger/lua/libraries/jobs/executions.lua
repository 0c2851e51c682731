-- What runs on a node: our `running`, and the same as RQ's executions.
--
-- KEYS     rq_execution  rq_executions  rq_wip  rq_worker  running
-- STATE    started  {}  reservations of what this script has started
-- @include jobs/job  texts/number  texts/reservation  texts/timer  time/events  time/timers  time/timestamp

-- Under `op`, the number of the agent's call.
function Executions.begin(job, node, queue, op)
  local id = Job.reservation(job)
  Call.started[#Call.started + 1] = id
  Job.set(job, 'status', 'started', 'started_at', Timestamp.now(), 'last_heartbeat', Timestamp.now(), 'worker_name', queue,
    'attempts', Number.text(tonumber(job.attempts or 0) + 1))
  redis.call('ZADD', K.running .. node.name, op, id)
  -- +inf is rq's own way to say "no time limit": anybody's registry cleanup leaves the entry alone.
  redis.call('ZADD', K.rq_wip .. queue, '+inf', id)
  local seconds = string.format('%.3f', Call.wall / 1000)
  redis.call('HSET', K.rq_execution .. id, 'id', job.placement, 'job_id', job.id, 'created_at', seconds,
    'last_heartbeat', seconds, 'worker_name', queue)
  redis.call('ZADD', K.rq_executions .. job.id, '+inf', job.placement)
  redis.call('SADD', K.rq_worker .. queue .. ':executions', id)
  if Job.option(job, 'wait') then
    Timers.drop(Timer.of('expire', job.id))
  end
  Events.emit('started', 'id', id, 'node', node.name, 'epoch', node.epoch, 'attempt', job.attempts, 'retries',
    job.retries or '0')
end

-- Reservations of what this script has started, in the order in which they are read again.
function Executions.begun()
  table.sort(Call.started)
  return Call.started
end

function Executions.finish(node_name, queue, id)
  redis.call('ZREM', K.running .. node_name, id)
  redis.call('ZREM', K.rq_wip .. queue, id)
  redis.call('SREM', K.rq_worker .. queue .. ':executions', id)
  local job_id, placement = Reservation.parts(id)
  redis.call('ZREM', K.rq_executions .. job_id, placement)
  redis.call('DEL', K.rq_execution .. id)
end

-- As if it had not been started; `finish` goes before.
function Executions.undo(job)
  Job.set(job, 'attempts', Number.text(tonumber(job.attempts) - 1))
  Job.unset(job, 'started_at', 'last_heartbeat', 'worker_name')
end

-- Whether that reservation was started on the node.
function Executions.has(node_name, id)
  return redis.call('ZSCORE', K.running .. node_name, id) ~= false
end
