-- Taking a node out of the books and out of RQ's sight.
--
-- KEYS     abandoned  hold_bits  live  lost  nodes  open  past  rq_queue  rq_queues
-- @include jobs/queues  jobs/worker  nodes/classes  nodes/dirty  nodes/holds  nodes/index  nodes/judged
-- @include nodes/lapse  nodes/leases  nodes/node  nodes/node_labels  nodes/recovery  nodes/values  texts/timer  time/events  time/timers

-- Nothing is reserved on it any more.
local function forget(node)
  Index.put_free(node.position, node.free, {})
  Index.save()
  local capacity = Values.of(node, 'cap')
  Index.set_capacity(node.position, capacity, {})
  Index.narrow(capacity)
  NodeLabels.set(node, '')
  Classes.leave(node)
  Holds.lift(node)
  redis.call('SETBIT', K.live, node.position, 0)
  Judged.forget()
  redis.call('SETBIT', K.open, node.position, 0)
  redis.call('ZREM', K.nodes, node.name)
  Dirty.forget(node.name)
  Node.drop(node)
  if redis.call('EXISTS', K.nodes) == 0 then
    Index.drop()
    redis.call('DEL', K.live, K.open, K.hold_bits)
  end
end

-- Close the node and give back what it held; `cause` as for Lapse.abandon. -> whether that is complete
function Removal.empty(node, change, cause)
  if node.state == 'up' or node.bent then
    Lapse.abandon(node, change, cause)
  end
  Recovery.go_on(64)
  return not redis.call('ZSCORE', K.abandoned, node.name)
end

function Removal.remove(node)
  local queue = Queues.of(node.name)
  forget(node)
  Leases.drop(node.name)
  Timers.drop(Timer.of('drain', node.name))
  redis.call('ZREM', K.lost, node.name)
  redis.call('SREM', K.rq_queues, K.rq_queue .. queue)
  redis.call('ZADD', K.past, 0, node.name)
  Worker.forget(queue)
  Events.emit('node', 'node', node.name, 'change', 'deregistered')
end
