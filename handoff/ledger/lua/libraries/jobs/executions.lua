-- What runs on a node: our `running`, and from the next heartbeat on the same as RQ's executions. To tell RQ of what is
-- shorter than that would take as many writes again as all else of a function.
--
-- KEYS     rq_execution  rq_executions  rq_wip  rq_worker  running
-- STATE    started  {}  reservations of what this script has started
-- @include jobs/job  texts/number  texts/reservation  texts/timer  time/events  time/timers  time/timestamp  writes

-- The job of that reservation, under `op`, the number of the agent's call.
function Executions.begin(job, id, node, queue, op)
  Call.started[#Call.started + 1] = id
  local now = Timestamp.now()
  Job.set(job, 'status', 'started', 'started_at', now, 'last_heartbeat', now, 'worker_name', queue, 'attempts',
    job.attempts and Number.text(tonumber(job.attempts) + 1) or '1')
  if job.attempts ~= '1' then
    -- If it is lost, nobody knows what it has used.
    Job.blank(job, 'usage')
  end
  Writes.add('ZADD', K.running .. node.name, op, id)
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

-- Of these reservations, as many as one command takes.
local function finish(node_name, queue, ids)
  redis.call('ZREM', Writes.settle(K.running .. node_name), unpack(ids))
  -- Of what is shorter than a heartbeat RQ was not told.
  if redis.call('ZREM', K.rq_wip .. queue, unpack(ids)) == 0 then
    return
  end
  redis.call('SREM', K.rq_worker .. queue .. ':executions', unpack(ids))
  local keys = {}
  for i, id in ipairs(ids) do
    keys[2 * i - 1], keys[2 * i] = K.rq_execution .. id, K.rq_executions .. Reservation.parts(id)
  end
  redis.call('DEL', unpack(keys))
end

function Executions.finish(node_name, queue, ids)
  -- Lua unpacks at most 8,000 values.
  for first = 1, #ids, 1000 do
    finish(node_name, queue, {unpack(ids, first, math.min(first + 999, #ids))})
  end
end

-- Tell RQ no more of one that its tools have canceled: they leave all but its entry in the registry, which `finish` looks at.
function Executions.forget(queue, id)
  local job_id, placement = Reservation.parts(id)
  redis.call('SREM', K.rq_worker .. queue .. ':executions', id)
  redis.call('DEL', K.rq_execution .. id)
  redis.call('ZREM', K.rq_executions .. job_id, placement)
end

local function show_one(queue, id)
  local job_id, placement = Reservation.parts(id)
  local seconds = string.format('%.3f', Call.wall / 1000)
  -- +inf is rq's own way to say "no time limit": anybody's registry cleanup leaves the entry alone.
  redis.call('ZADD', K.rq_wip .. queue, '+inf', id)
  redis.call('HSET', K.rq_execution .. id, 'id', placement, 'job_id', job_id, 'created_at', seconds,
    'last_heartbeat', seconds, 'worker_name', queue)
  redis.call('ZADD', K.rq_executions .. job_id, '+inf', placement)
  redis.call('SADD', K.rq_worker .. queue .. ':executions', id)
end

-- Under which calls these were started on a node, false where they were not.
function Executions.started_under(node_name, ids)
  return ids[1] and redis.call('ZMSCORE', Writes.settle(K.running .. node_name), unpack(ids)) or {}
end

-- Tell RQ what runs on the node, of these reservations.
function Executions.show(node_name, queue, ids)
  if not ids[1] then
    return
  end
  local started, shown = Executions.started_under(node_name, ids), redis.call('ZMSCORE', K.rq_wip .. queue, unpack(ids))
  for i = 1, #ids do
    if started[i] and not shown[i] then
      show_one(queue, ids[i])
    end
  end
end

-- Whether it was started by a later call than that.
function Executions.is_after(node_name, id, op)
  return tonumber(redis.call('ZSCORE', Writes.settle(K.running .. node_name), id)) > op
end

-- Reservations of what was started by that call.
function Executions.under(node_name, op)
  return redis.call('ZRANGEBYSCORE', Writes.settle(K.running .. node_name), op, op)
end

-- As if it had not been started; `finish` goes before.
function Executions.undo(job)
  Job.set(job, 'attempts', Number.text(tonumber(job.attempts) - 1))
  Job.unset(job, 'started_at', 'last_heartbeat', 'worker_name')
end

-- Whether that reservation was started on the node.
function Executions.has(node_name, id)
  return redis.call('ZSCORE', Writes.settle(K.running .. node_name), id) ~= false
end
