-- A node's agent as RQ's worker.
--
-- KEYS     rq_queue_workers  rq_worker  rq_workers  running
-- @include nodes/node  texts/number  time/timestamp

local function state_of(node)
  return redis.call('EXISTS', K.running .. node.name) == 1 and 'busy' or 'idle'
end

-- `fields` is {name, value, ...} of RQ's hash.
function Worker.register(queue, node, fields)
  local key = K.rq_worker .. queue
  redis.call('HSET', key, 'birth', Timestamp.now(), 'last_heartbeat', Timestamp.now(), 'queues', queue, 'state',
    state_of(node), unpack(fields))
  redis.call('PEXPIRE', key, 3 * tonumber(node.lease_ms))
  redis.call('SADD', K.rq_workers, key)
  redis.call('SADD', K.rq_queue_workers .. queue, key)
end

-- RQ is told at each heartbeat what it does, how many jobs it has ended, and how long these took.
function Worker.beat(queue, node, worked_ms)
  local key = K.rq_worker .. queue
  redis.call('HSET', key, 'last_heartbeat', Timestamp.now(), 'state', state_of(node), 'successful_job_count',
    node.finished or '0', 'failed_job_count', node.failed or '0', 'total_working_time', string.format('%.3f', worked_ms / 1000))
  redis.call('PEXPIRE', key, 3 * tonumber(node.lease_ms))
end

-- In the books of the node, which are written anyway.
function Worker.count(node, finished, failed)
  if finished > 0 then
    Node.note(node, 'finished', Number.text((Number.whole(node.finished) or 0) + finished))
  end
  if failed > 0 then
    Node.note(node, 'failed', Number.text((Number.whole(node.failed) or 0) + failed))
  end
end

function Worker.forget(queue)
  local key = K.rq_worker .. queue
  redis.call('SREM', K.rq_workers, key)
  redis.call('SREM', K.rq_queue_workers .. queue, key)
  redis.call('DEL', key, key .. ':executions')
end
