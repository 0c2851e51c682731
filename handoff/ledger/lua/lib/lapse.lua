-- Losing a node: at once for everybody who places, in slices for what it held.
--
-- Whoever finds a lease over by the server's clock closes the node and raises its epoch, so that an agent which comes
-- back finds itself stale. What the node held is given back by every script with budget left.
--
-- KEYS     leases  lost  abandoned  epoch  node
-- @include lib/class
-- @include lib/hold
-- @include lib/group

-- Unique even where Redis was emptied and starts to count again.
local function next_epoch(now)
  local epoch = math.max(tonumber(redis.call('GET', K.epoch) or 0) + 1, now)
  redis.call('SET', K.epoch, text(epoch))
  return text(epoch)
end

local function abandon(node, now, change)
  node.state = 'lost'
  node.epoch = next_epoch(now)
  redis.call('HSET', K.node .. node.name, 'state', 'lost', 'epoch', node.epoch)
  redis.call('ZREM', K.leases, node.name)
  redis.call('ZADD', K.lost, now, node.name)
  redis.call('ZADD', K.abandoned, now, node.name)
  set_open(node)
  set_live(node)
  end_hold(node, now)
  disband_groups(node)
  emit(now, 'node', 'node', node.name, 'change', change)
end

-- All at once, for nothing may be placed on any of them.
local function lapse_leases(now)
  for _, name in ipairs(redis.call('ZRANGEBYSCORE', K.leases, '-inf', now)) do
    abandon(load_node(name), now, 'lost')
  end
end

-- The node of an agent's call; nil where its epoch has passed, and nothing of it is that agent's any more.
local function own_node(name, epoch, now)
  lapse_leases(now)
  local node = load_node(name)
  return node and node.epoch == epoch and node or nil
end
