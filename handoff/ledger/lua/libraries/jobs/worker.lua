-- A node's agent as RQ's worker.
--
-- KEYS     rq_queue_workers  rq_worker  rq_workers  running
-- @include counting  time/timestamp

-- `fields` is {name, value, ...} of RQ's hash.
function Worker.register(queue, node, fields)
  local key = K.rq_worker .. queue
  redis.call('HSET', key, 'birth', Timestamp.now(), 'last_heartbeat', Timestamp.now(), 'queues', queue, unpack(fields))
  Worker.set_state(queue, node)
  redis.call('PEXPIRE', key, 3 * tonumber(node.lease_ms))
  redis.call('SADD', K.rq_workers, key)
  redis.call('SADD', K.rq_queue_workers .. queue, key)
end

function Worker.beat(queue, node)
  local key = K.rq_worker .. queue
  redis.call('HSET', key, 'last_heartbeat', Timestamp.now())
  redis.call('PEXPIRE', key, 3 * tonumber(node.lease_ms))
end

function Worker.set_state(queue, node)
  redis.call('HSET', K.rq_worker .. queue, 'state', redis.call('EXISTS', K.running .. node.name) == 1 and 'busy' or 'idle')
end

function Worker.count(queue, finished, failed)
  if finished > 0 then
    Counting.add(K.rq_worker .. queue, 'successful_job_count', finished)
  end
  if failed > 0 then
    Counting.add(K.rq_worker .. queue, 'failed_job_count', failed)
  end
end

function Worker.forget(queue)
  local key = K.rq_worker .. queue
  redis.call('SREM', K.rq_workers, key)
  redis.call('SREM', K.rq_queue_workers .. queue, key)
  redis.call('DEL', key, key .. ':executions')
end
