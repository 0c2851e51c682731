-- Taking a node out of the books and out of RQ's sight.
--
-- KEYS     leases  lost  abandoned  past  rq_queue  rq_queues  rq_worker  rq_workers  rq_queue_workers
-- @include lib/capacity
-- @include lib/settle
-- @include lib/lapse

local function forget_worker(queue)
  local worker = K.rq_worker .. queue
  redis.call('SREM', K.rq_workers, worker)
  redis.call('SREM', K.rq_queue_workers .. queue, worker)
  redis.call('DEL', worker, worker .. ':executions')
end

-- Close the node and give back what it held. -> whether that is complete
local function empty_node(node, lost_text, lobby, now, change)
  if node.state == 'up' then
    abandon(node, now, change)
  end
  recover_abandoned(lost_text, lobby, now, 64)
  return not redis.call('ZSCORE', K.abandoned, node.name)
end

local function remove_node(node, lobby, now)
  local queue = lobby .. '.' .. node.name
  forget_node(node, now)
  redis.call('ZREM', K.leases, node.name)
  drop_timer('drain|' .. node.name)
  redis.call('ZREM', K.lost, node.name)
  redis.call('SREM', K.rq_queues, K.rq_queue .. queue)
  redis.call('ZADD', K.past, 0, node.name)
  forget_worker(queue)
  emit(now, 'node', 'node', node.name, 'change', 'deregistered')
end
