-- What a node has: set at registration, and changed by the next one.
--
-- KEYS     cordoned  drained  node  nodes
-- @include nodes/classes  nodes/dirty  nodes/excess  nodes/holds  nodes/index  nodes/node  nodes/node_labels
-- @include nodes/recount  nodes/standing  nodes/values

-- A new row for a node that nobody knows yet: after the last one in order.
function Capabilities.add_node(name)
  local last = redis.call('ZREVRANGE', K.nodes, 0, 0, 'WITHSCORES')
  local position = last[2] and tonumber(last[2]) + 1 or 0
  redis.call('ZADD', K.nodes, position, name)
  redis.call('HSET', K.node .. name, 'position', position, 'epoch', '0', 'state', 'lost')
  -- Who left while it was closed comes back so.
  if redis.call('SISMEMBER', K.drained, name) == 1 then
    redis.call('HSET', K.node .. name, 'draining', '0')
  end
  local cordoned = redis.call('HGET', K.cordoned, name)
  if cordoned then
    redis.call('HSET', K.node .. name, 'cordoned', cordoned)
  end
  return Node.load(name)
end

-- `units` is {resource -> units}, `devices` {family -> listed}: what stands in the hash of what the node had before goes.
local function replace(node, units, devices)
  for resource in pairs(node.cap) do
    if not units[resource] then
      Node.set_capacity(node, resource, nil)
    end
  end
  for family in pairs(node.dev) do
    Node.drop_devices(node, family)
  end
  for resource, used in pairs(node.used) do
    if used == 0 and not units[resource] then
      Node.set_unlisted_use(node, resource, 0)
    end
  end
  for resource, amount in pairs(units) do
    Node.set_capacity(node, resource, amount)
  end
  for family, listed in pairs(devices) do
    node.dev[family] = Recount.devices(node.name, family, listed)
  end
end

-- Whether what is reserved fits, and with it whether anything may be placed.
local function set_over(node)
  Node.set_field(node, 'over', Excess.is_over(node) and '1' or nil)
  Standing.set_open(node)
  node.was = node.free
end

-- Replace what the node has; what is reserved stays. The node is tried with everything that waits.
function Capabilities.set(node, units, devices, labels)
  Classes.leave(node)
  Holds.lift(node)
  local before = Values.of(node, 'cap')
  replace(node, units, devices)
  Index.set_capacity(node.position, before, Values.of(node, 'cap'))
  Node.write(node)
  Index.widen(node.free)
  NodeLabels.set(node, labels)
  set_over(node)
  Standing.set_live(node)
  if Node.is_open(node) then
    Dirty.mark(node.name)
  end
end
