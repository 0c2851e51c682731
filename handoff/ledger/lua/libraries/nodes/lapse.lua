-- Losing a node: at once for everybody who places, in slices for what it held (nodes/recovery).
--
-- Whoever finds a lease over by the server's clock closes the node and raises its epoch, so that an agent which comes
-- back finds itself stale.
--
-- KEYS     abandoned  epoch  leases  lost  node
-- @include nodes/holds  nodes/node  nodes/standing  runs/groups  texts/number  time/events

-- Unique even where Redis was emptied and starts to count again.
function Lapse.next_epoch()
  local epoch = math.max(tonumber(redis.call('GET', K.epoch) or 0) + 1, Call.now)
  redis.call('SET', K.epoch, Number.text(epoch))
  return Number.text(epoch)
end

function Lapse.abandon(node, change)
  node.state = 'lost'
  node.epoch = Lapse.next_epoch()
  redis.call('HSET', K.node .. node.name, 'state', 'lost', 'epoch', node.epoch)
  redis.call('ZREM', K.leases, node.name)
  redis.call('ZADD', K.lost, Call.now, node.name)
  redis.call('ZADD', K.abandoned, Call.now, node.name)
  Standing.set_open(node)
  Standing.set_live(node)
  Holds.lift(node)
  Groups.disband(node)
  Events.emit('node', 'node', node.name, 'change', change)
end

-- All at once, for nothing may be placed on any of them.
function Lapse.leases()
  for _, name in ipairs(redis.call('ZRANGEBYSCORE', K.leases, '-inf', Call.now)) do
    Lapse.abandon(Node.load(name), 'lost')
  end
end

-- The node of an agent's call; nil where its epoch has passed, and nothing of it is that agent's any more.
function Lapse.own_node(name, epoch)
  Lapse.leases()
  local node = Node.load(name)
  return node and node.epoch == epoch and node or nil
end
