-- The books of one node: what it has, what of it is reserved, which devices are free; loaded once a script, and written
-- at its end: a finish that starts the next function gives back what it takes again.
--
-- One hash a node: `position`, `epoch`, `state` (up, lost), `kind` (static, leased), for leased ones `incarnation`,
-- `holder`, `lease_ms`, `op` and `op_reply`, `ready` (texts/ready), `finished` and `failed` (how many, for RQ: jobs/worker);
-- `over` while something reserved does not fit the capacity, `quiet` while its agent takes no more (since when, ms) with the
-- `reason`, `draining` (until when, ms, 0 = no deadline), `evicting` (past that: of how many in front of what runs there it is
-- still to be noted), `cordoned` (texts/cordoned), `cause` of its loss (texts/loss), `blamed` once that speaks against it
-- (nodes/blame), `hold` (for whom it is held: nodes/holds), `external` and `external_devices` (what other programs use of its
-- host: nodes/external), `labels`, `class` (nodes/classes), and by resource texts/node_field. A device serves whole claims,
-- shares or claims of memory, never two kinds at once.
--
-- The node called `*` is what the whole cluster shares (nodes/shared).
--
-- KEYS     node  nodes
-- STATE    nodes    {}  name -> the node
--          unsaved  {}  nodes whose hashes are to be brought to what their tables say -> whether what is used has changed
-- @finally save
-- @include nodes/index  nodes/leases  nodes/recount  nodes/values  texts/cordoned  texts/cost  texts/device_field  texts/hold
-- @include texts/labels  texts/node_field  texts/number  rare

local SHARED = '*'

local MOST_POSITION = 2 ^ 31

local AMOUNTS = {cap = true, used = true, tried = true}

local STATES = {up = true, lost = true}

local KINDS = {static = true, leased = true}

-- One of those that are by resource.
local function read_part(node, kind, resource, field, value)
  if kind == 'dev' then
    local devices = DeviceField.read(value)
    node.dev[resource] = devices
    if not devices then
      node.bent = field
    end
  elseif AMOUNTS[kind] then
    local amount = Number.amount(value)
    node[kind][resource] = amount
    if not amount then
      node.bent = field
    end
  end
end

-- What is there of a node's own books but cannot be read, or has to be there and is not: `bent` names it, and the node is
-- lost (nodes/lapse). What all share is counted anew.
local function look_at(node)
  if node.hold and not Hold.read(node.hold) then
    node.hold = nil
  end
  if node.op and not Number.whole(node.op) then
    node.op = nil
  end
  if node.cordoned and not Cordoned.read(node.cordoned) then
    node.cordoned = Cordoned.write(0, {})
  end
  if node.draining and not Number.whole(node.draining) then
    node.draining = '0'
  end
  if node.external and not Cost.is_sound(node.external, 0) then
    node.external, node.external_devices = nil, nil
  end
  if node.evicting and not Number.whole(node.evicting) then
    node.evicting = nil
  end
  if node.kind == 'shared' or node.name == SHARED then
    node.position, node.used = nil, node.bent and Recount.used(node.name) or node.used
    node.state, node.epoch, node.bent = 'up', '0', nil
    return
  end
  if not Number.whole(node.position, 0, MOST_POSITION) then
    node.position, node.bent = redis.call('ZSCORE', K.nodes, node.name), 'position'
  end
  node.position = tonumber(node.position or nil)
  if not Number.whole(node.epoch) then
    node.epoch, node.bent = '0', 'epoch'
  end
  if not STATES[node.state] then
    node.state, node.bent = 'lost', 'state'
  end
  if not KINDS[node.kind] and (node.kind or node.state == 'up') then
    node.kind, node.bent = nil, 'kind'
  end
  if node.kind == 'leased' and not Number.whole(node.lease_ms, 1) then
    node.lease_ms, node.bent = nil, 'lease_ms'
  end
end

-- nil where no such node is known. -> its fields by name, and {resource -> units} in `cap`, `used` and `tried`,
-- {resource -> devices} in `dev`, {label -> value} in `label`; in `stored` what the hash says of those that are by resource
function Node.load(name)
  local known = Call.nodes[name]
  if known then
    return known
  end
  if Rare.is_absent(K.node .. name) then
    return nil
  end
  local flat = redis.pcall('HGETALL', K.node .. name)
  if flat.err or (#flat == 0 and (name == SHARED or not redis.call('ZSCORE', K.nodes, name))) then
    return nil
  end
  local node = {name = name, cap = {}, used = {}, dev = {}, tried = {}, stored = {}, noted = {}}
  for i = 1, #flat, 2 do
    local field, value = flat[i], flat[i + 1]
    local kind, resource = NodeField.read(field)
    if kind then
      node.stored[field] = value
      read_part(node, kind, resource, field, value)
    elseif node[field] == nil then
      node[field] = value
    end
  end
  look_at(node)
  if not node.position and name ~= SHARED then
    return nil
  end
  node.label = Labels.read(node.labels or '')
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
  return node.state == 'up' and not node.bent and not Leases.is_late(node.name)
end

-- nil where the name is unknown, or its node is lost.
function Node.live(name)
  local node = Node.load(name)
  return node and is_up(node) and node or nil
end

-- nil where Redis dropped what says so.
function Node.at(position)
  return Node.load(redis.call('ZRANGEBYSCORE', K.nodes, position, position)[1] or '')
end

-- Somebody is emptying it: what stands on its queue is not to start there.
function Node.is_closing(node)
  return node.quiet ~= nil or node.draining ~= nil or node.cordoned ~= nil
end

-- How a live node that takes no more is closed, and why, for people: '' where nobody has said so.
function Node.how_closed(node)
  if node.cordoned then
    local _, reason = Cordoned.read(node.cordoned)
    return 'cordoned', reason
  end
  return node.quiet and 'quiet' or node.over and 'over' or '', node.reason or ''
end

-- What its hash says, without loading more of it: each tick looks at a page of all nodes. -> its state, nil where that cannot
-- be read; whether it is closing
function Node.glance(name)
  local values = redis.pcall('HMGET', K.node .. name, 'state', 'quiet', 'draining', 'cordoned')
  if values.err or not STATES[values[1]] then
    return nil
  end
  return values[1], (values[2] or values[3] or values[4]) ~= false
end

-- Something may be placed on it.
function Node.is_open(node)
  return is_up(node) and not node.over and not Node.is_closing(node)
end

-- Begin anew with what is known for certain: name, place, epoch, and what its records say that is reserved.
function Node.blank(node)
  local kept = {'position', node.position, 'epoch', node.epoch, 'state', 'lost'}
  for _, field in ipairs({'kind', 'incarnation', 'holder', 'draining', 'cordoned'}) do
    if node[field] then
      kept[#kept + 1], kept[#kept + 2] = field, node[field]
    end
  end
  node.cap, node.dev, node.tried, node.stored, node.label = {}, {}, {}, {}, {}
  node.used, node.free, node.was = Recount.used(node.name), {}, {}
  node.bent, node.hold, node.over, node.quiet, node.labels, node.class = nil, nil, nil, nil, nil, nil
  node.state = 'lost'
  Call.unsaved[node] = nil
  redis.call('DEL', K.node .. node.name)
  for resource, units in pairs(node.used) do
    kept[#kept + 1], kept[#kept + 2] = NodeField.of('used', resource), Number.text(units)
  end
  redis.call('HSET', K.node .. node.name, unpack(kept))
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

-- Set fields, `name, value, ...`, in the write of its books.
function Node.note(node, ...)
  local flat = {...}
  for i = 1, #flat, 2 do
    local field, value, noted = flat[i], flat[i + 1], node.noted
    if node[field] ~= value then
      node[field], noted[#noted + 1], noted[#noted + 2] = value, field, value
    end
  end
  Call.unsaved[node] = Call.unsaved[node] or false
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

-- The same where something was given back: what this script took before that has grown too, for whoever began to wait
-- meanwhile.
function Node.write_grown(node)
  if node.was ~= node.free then
    local was = {}
    for index, before in pairs(node.was) do
      was[index] = math.min(before, node.free[index] or 0)
    end
    node.was = was
  end
  Node.write(node)
end

function Node.save()
  Index.save()
  if not next(Call.unsaved) then
    return
  end
  for node, has_changed in pairs(Call.unsaved) do
    local changed = node.noted
    local function put(field, value)
      if node.stored[field] ~= value then
        node.stored[field] = value
        changed[#changed + 1], changed[#changed + 2] = field, value
      end
    end
    node.noted = {}
    for resource in pairs(has_changed and node.cap or {}) do
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
