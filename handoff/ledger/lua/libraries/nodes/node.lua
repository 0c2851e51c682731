-- The books of one node: what it has, what of it is reserved, which devices are free; loaded once a script, and written
-- at its end: a finish that starts the next function gives back what it takes again.
--
-- One hash a node: `position`, `epoch`, `state` (up, lost), `kind` (static, leased), for leased ones `incarnation`,
-- `holder`, `lease_ms`, `op` and `op_reply`; `over` while something reserved does not fit the capacity, `quiet` while its
-- agent takes no more (since when, ms) with the `reason`, `draining` (until when, ms, 0 = no deadline), `cause` of its loss
-- (texts/loss), `hold` (for whom it is held: nodes/holds), `labels`, `class` (nodes/classes), and by resource
-- texts/node_field. A device serves whole claims, shares or claims of memory, never two kinds at once.
--
-- The node called `*` is what the whole cluster shares (nodes/shared).
--
-- KEYS     node  nodes
-- STATE    nodes    {}  name -> the node
--          unsaved  {}  nodes whose hashes are to be brought to what their tables say
-- @finally save
-- @include nodes/index  nodes/leases  nodes/values  texts/device_field  texts/labels  texts/node_field  texts/number

-- nil where no such node is known. -> its fields by name, and {resource -> units} in `cap`, `used` and `tried`,
-- {resource -> devices} in `dev`, {label -> value} in `label`
function Node.load(name)
  if Call.nodes[name] then
    return Call.nodes[name]
  end
  local flat = redis.call('HGETALL', K.node .. name)
  if #flat == 0 then
    return nil
  end
  local node = {name = name, cap = {}, used = {}, dev = {}, tried = {}, stored = {}}
  for i = 1, #flat, 2 do
    local field, value = flat[i], flat[i + 1]
    local kind, resource = NodeField.read(field)
    node.stored[field] = value
    if kind == 'dev' then
      node.dev[resource] = DeviceField.read(value)
    elseif kind then
      node[kind][resource] = tonumber(value)
    else
      node[field] = value
    end
  end
  node.label = Labels.read(node.labels or '')
  node.position = tonumber(node.position)
  node.free = Values.of(node, 'free')
  -- What was free when this script began: `wake` asks what has grown since.
  node.was = node.free
  return Node.keep(node)
end

-- From now on, until this script ends, the node of its name is this table.
function Node.keep(node)
  Call.nodes[node.name] = node
  return node
end

-- It is to be read again.
function Node.forget(name)
  Call.nodes[name] = nil
end

local function is_up(node)
  return node.state == 'up' and not Leases.is_late(node.name)
end

-- nil where the name is unknown, or its node is lost.
function Node.live(name)
  local node = Node.load(name)
  return node and is_up(node) and node or nil
end

function Node.at(position)
  return Node.load(redis.call('ZRANGEBYSCORE', K.nodes, position, position)[1])
end

-- Somebody is emptying it: what stands on its queue is not to start there.
function Node.is_closing(node)
  return node.quiet ~= nil or node.draining ~= nil
end

-- Something may be placed on it.
function Node.is_open(node)
  return is_up(node) and not node.over and not Node.is_closing(node)
end

-- Set one field of the hash, or with nil delete it.
function Node.set_field(node, field, value)
  node[field] = value
  if value then
    redis.call('HSET', K.node .. node.name, field, value)
  else
    redis.call('HDEL', K.node .. node.name, field)
  end
end

-- Its agent takes functions.
function Node.serve(node)
  Node.set_field(node, 'quiet', nil)
  Node.set_field(node, 'reason', nil)
end

-- Set how much it has of a resource, or with nil take that away.
function Node.set_capacity(node, resource, units)
  local field = NodeField.of('cap', resource)
  node.cap[resource] = units
  if units then
    redis.call('HSET', K.node .. node.name, field, Number.text(units))
  else
    redis.call('HDEL', K.node .. node.name, field)
    node.stored[field] = nil
  end
end

-- Of a resource that is no longer listed the use is kept for as long as there is any.
function Node.set_unlisted_use(node, resource, units)
  local field = NodeField.of('used', resource)
  if units ~= 0 then
    node.used[resource] = units
    redis.call('HSET', K.node .. node.name, field, Number.text(units))
  else
    node.used[resource] = nil
    node.stored[field] = nil
    redis.call('HDEL', K.node .. node.name, field)
  end
end

-- Forget the devices of a resource.
function Node.drop_devices(node, resource)
  local field = NodeField.of('dev', resource)
  node.dev[resource] = nil
  node.stored[field] = nil
  redis.call('HDEL', K.node .. node.name, field)
end

-- After a change of what is used.
function Node.write(node)
  local free = Values.of(node, 'free')
  if node.position then
    Index.put_free(node.position, node.free, free)
  end
  node.free = free
  Call.unsaved[node] = true
end

function Node.save()
  Index.save()
  for node in pairs(Call.unsaved) do
    local changed = {}
    local function put(field, value)
      if node.stored[field] ~= value then
        node.stored[field] = value
        changed[#changed + 1], changed[#changed + 2] = field, value
      end
    end
    for resource in pairs(node.cap) do
      put(NodeField.of('used', resource), Number.text(node.used[resource] or 0))
      if node.dev[resource] then
        put(NodeField.of('dev', resource), DeviceField.write(node.dev[resource]))
      end
    end
    if #changed > 0 then
      redis.call('HSET', K.node .. node.name, unpack(changed))
    end
  end
  Call.unsaved = {}
end

-- Of a node that is gone nothing is to be written any more.
function Node.drop(node)
  redis.call('DEL', K.node .. node.name)
  Node.forget(node.name)
  Call.unsaved[node] = nil
end
