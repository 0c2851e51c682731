-- The books of one node: what it has, what of it is used, which devices are free, and who holds what.
--
-- One hash a node: `position`, `epoch`, `state` (up, lost), `kind` (static, leased), for leased ones `incarnation`,
-- `holder`, `lease_ms`, `op` and `op_reply`; `over` while something held does not fit the capacity, `quiet` while its
-- agent takes no more, `draining` (until when, ms, 0 = no deadline), `hold` (for whom it is held: lib/overtaking);
-- `labels` and `class` (lib/capacity), for the shared node `tried:<r>` (lib/fill); and per resource `cap:<r>`, `used:<r>` and, where it consists of devices,
-- `dev:<r>` as `0=10000,3=2500` (index = free share) or `0=10000/60000000/240000000` (and free and total memory).
-- A device serves whole claims, shares or claims of memory, never two kinds at once.
--
-- The node called `*` is what the whole cluster shares: it has no position, and counts in every test of what fits.
--
-- KEYS     node  nodes  open  fronts  label  held
-- @finally save_books
-- @include lib/clock
-- @include lib/shape
-- @include lib/index

local SHARED = '*'
local NOBODY = math.huge  -- the rank of claims: behind all functions
local loaded = {}

local function parse_devices(packed)
  local devices = {}
  for index, rest in string.gmatch(packed, '(%d+)=([^,]+)') do
    local share, memory, total = string.match(rest, '^(-?%d+)/?(-?%d*)/?(%d*)$')
    devices[#devices + 1] = {index = tonumber(index), share = tonumber(share), memory = tonumber(memory),
      total = tonumber(total)}
  end
  return devices
end

local function pack_devices(devices)
  local parts = {}
  for i, device in ipairs(devices) do
    parts[i] = device.index .. '=' .. text(device.share)
    if device.total then
      parts[i] = parts[i] .. '/' .. text(device.memory) .. '/' .. text(device.total)
    end
  end
  return table.concat(parts, ',')
end

-- The devices whose memory the resource is, or nil.
local function memory_devices(node, resource)
  local family = family_of(resource)
  local devices = family ~= resource and node.dev[family]
  return devices and devices[1] and devices[1].total and devices or nil
end

-- What the index says of devices, on one side.
local function add_device_values(values, resource, devices, side)
  local idle, share, memory = 0, 0, 0
  for _, device in ipairs(devices) do
    local units = side == 'cap' and UNIT or device.share
    local left = side == 'cap' and device.total or device.memory
    local whole_memory = left == device.total
    if units == UNIT and whole_memory then
      idle = idle + 1
    end
    share = math.max(share, whole_memory and units or 0)
    memory = math.max(memory, units == UNIT and left or 0)
  end
  values[resource .. '#idle'], values[resource .. '#share'] = idle, share
  if devices[1] and devices[1].total then
    values[resource .. '#memory'] = memory
  end
end

-- How much of a node is spare: the smallest free share of all that it has. It is an index like any other.
local SPARE = '*spare'

-- What the index says of a node, on one side.
local function values_of(node, side)
  local values, spare = {}, UNIT
  for resource, cap in pairs(node.cap) do
    local free = math.max(0, cap - (node.used[resource] or 0))
    local devices = node.dev[resource]
    if devices then
      add_device_values(values, resource, devices, side)
    elseif not memory_devices(node, resource) then
      values[resource] = side == 'cap' and cap or free
    end
    if cap > 0 then
      spare = math.min(spare, math.floor(free / cap * UNIT))
    end
  end
  if side == 'free' and next(node.cap) then
    values[SPARE] = spare
  end
  return values
end

-- nil where no such node is known. Loaded once a script.
local function load_node(name)
  if loaded[name] then
    return loaded[name]
  end
  local flat = redis.call('HGETALL', K.node .. name)
  if #flat == 0 then
    return nil
  end
  local node = {name = name, cap = {}, used = {}, dev = {}, label = {}, tried = {}, stored = {}}
  for i = 1, #flat, 2 do
    local field, value = flat[i], flat[i + 1]
    local kind, resource = string.match(field, '^(%l+):(.+)$')
    node.stored[field] = value
    if kind == 'dev' then
      node.dev[resource] = parse_devices(value)
    elseif kind then
      node[kind][resource] = tonumber(value)
    else
      node[field] = value
    end
  end
  for label, value in string.gmatch(node.labels or '', '([^=;]+)=([^;]*)') do
    node.label[label] = value
  end
  node.position = tonumber(node.position)
  node.free = values_of(node, 'free')
  -- What was free when this script began: `wake` asks what has grown since.
  node.was = node.free
  loaded[name] = node
  return node
end

-- What the cluster shares: a table with no capacity where it shares nothing.
local nothing_shared = {name = SHARED, cap = {}, used = {}, dev = {}, label = {}, tried = {}, stored = {},
  free = {}, was = {}}

local function load_shared()
  if not loaded[SHARED] then
    loaded[SHARED] = load_node(SHARED) or nothing_shared
  end
  return loaded[SHARED]
end

-- The same, made where the cluster has shared nothing so far.
local function open_shared()
  if load_shared() == nothing_shared then
    redis.call('HSET', K.node .. SHARED, 'state', 'up', 'epoch', '0', 'kind', 'shared')
    loaded[SHARED] = nil
  end
  return load_shared()
end

local function is_open(node)
  return node.state == 'up' and not node.over and not node.quiet and not node.draining
end

-- Set one field of the hash, or with nil delete it.
local function set_field(node, field, value)
  node[field] = value
  if value then
    redis.call('HSET', K.node .. node.name, field, value)
  else
    redis.call('HDEL', K.node .. node.name, field)
  end
end

-- Nodes whose hashes are to be brought to what their tables say when the script ends.
local unsaved = {}

-- With how much of what is shared all that waits was tried last; nothing: it is to be tried again.
local function set_tried(shared, free)
  for resource in pairs(shared.cap) do
    local units = free[resource] or 0
    if shared.tried[resource] ~= units then
      shared.tried[resource] = units
      redis.call('HSET', K.node .. SHARED, 'tried:' .. resource, text(units))
    end
  end
end

-- After a change of what is used.
local function write_node(node)
  local free = values_of(node, 'free')
  if node.position then
    put_free(node.position, node.free, free)
  end
  node.free = free
  unsaved[node] = true
end

local function save_books()
  save_values()
  for node in pairs(unsaved) do
    local changed = {}
    for resource in pairs(node.cap) do
      local used = text(node.used[resource] or 0)
      if node.stored['used:' .. resource] ~= used then
        node.stored['used:' .. resource] = used
        changed[#changed + 1], changed[#changed + 2] = 'used:' .. resource, used
      end
      local packed = node.dev[resource] and pack_devices(node.dev[resource])
      if packed and node.stored['dev:' .. resource] ~= packed then
        node.stored['dev:' .. resource] = packed
        changed[#changed + 1], changed[#changed + 2] = 'dev:' .. resource, packed
      end
    end
    if #changed > 0 then
      redis.call('HSET', K.node .. node.name, unpack(changed))
    end
  end
  unsaved = {}
end

-- Of a node that is gone nothing is to be written any more.
local function drop_node(node)
  redis.call('DEL', K.node .. node.name)
  loaded[node.name] = nil
  unsaved[node] = nil
end


-- A hold is `<rank>|<job>|<what it lacks, with commas>`: who comes later does not use that here.
local function holds_back(node, shape, rank)
  if not node.hold then
    return false
  end
  local holder_rank, lacks = string.match(node.hold, '^(%d+)|[^|]*|(.*)$')
  if rank <= tonumber(holder_rank) then
    return false
  end
  for lacked in string.gmatch(lacks, '[^,]+') do
    for _, want in ipairs(shape.wants) do
      if family_of(want[1]) == lacked then
        return true
      end
    end
  end
  return false
end

-- The most of a resource that one function could get of what is free.
local function most_of(free, resource)
  local idle, share = free[resource .. '#idle'] or 0, free[resource .. '#share'] or 0
  local of_devices = idle > 0 and idle * UNIT or math.min(share, UNIT - 1)
  local family = family_of(resource)
  local memory = family ~= resource and free[family .. '#memory'] or 0
  return math.max(free[resource] or 0, of_devices, memory)
end

local function has_free(free, want)
  want.indices = want.indices or indices_of(want[1], want[2])
  for _, index in ipairs(want.indices) do
    if (free[index[1]] or 0) >= index[2] then
      return true
    end
  end
  return false
end

-- Whether what a shape asks of the shared tokens is there for somebody of that rank.
local function tokens_fit(shape, rank)
  local shared = load_shared()
  for _, want in ipairs(shape.wants) do
    if shared.cap[want[1]] and (not has_free(shared.free, want) or holds_back(shared, shape, rank)) then
      return false
    end
  end
  return true
end

local function has_room(node, shape)
  local shared = load_shared()
  for _, want in ipairs(shape.wants) do
    if not shared.cap[want[1]] and not has_free(node.free, want) then
      return false
    end
  end
  return true
end

-- What is shared is gone when nothing of it is there, and nobody holds any.
local function close_shared()
  local shared = load_shared()
  if not next(shared.cap) and redis.call('EXISTS', K.held .. SHARED) == 0 then
    drop_node(shared)
  end
end

-- What of the wants a node itself must have.
local function wants_of_node(shape)
  local shared = load_shared()
  if not next(shared.cap) then
    return shape.wants
  end
  local wants = {}
  for _, want in ipairs(shape.wants) do
    if not shared.cap[want[1]] then
      wants[#wants + 1] = want
    end
  end
  return wants
end

-- What a node must have, idle, for a whole group to run on it: see lib/shape. More than one device and no whole number
-- takes the next whole number of them, where it is met by devices.
local function wants_of_term(term)
  local wants = {}
  for resource, units in string.gmatch(term.text, '([^|:=^]+):(%d+)') do
    local want = {resource, tonumber(units)}
    want.indices = indices_of(resource, want[2])
    if want[2] > UNIT and want[2] % UNIT ~= 0 then
      want.indices[2] = {resource .. '#idle', math.ceil(want[2] / UNIT)}
    end
    if not load_shared().cap[resource] then
      wants[#wants + 1] = want
    end
  end
  return wants
end

local function satisfies(node, term)
  if term.name == CAPACITY then
    local cap = values_of(node, 'cap')
    for _, want in ipairs(wants_of_term(term)) do
      if not has_free(cap, want) then
        return false
      end
    end
    return true
  end
  local value = term.name == 'node' and node.name or node.label[term.name]
  return (term.is[value or ''] or false) ~= term.negated
end

local function allows(node, terms)
  for _, term in ipairs(terms) do
    if not satisfies(node, term) then
      return false
    end
  end
  return true
end

-- A bitmap of the nodes of `from` that all terms allow.
local function allowing(terms, from)
  for _, term in ipairs(terms) do
    local any = scratch()
    if term.name == CAPACITY then
      local able = satisfying('cap', from, wants_of_term(term))
      if able then
        redis.call('BITOP', 'OR', any, able, able)
      end
    elseif term.name == 'node' then
      for _, name in ipairs(term.values) do
        local position = redis.call('ZSCORE', K.nodes, name)
        if position then
          redis.call('SETBIT', any, position, 1)
        end
      end
    else
      local labels = {}
      for i, value in ipairs(term.values) do
        labels[i] = K.label .. term.name .. '=' .. value
      end
      redis.call('BITOP', 'OR', any, unpack(labels))
    end
    if term.negated then
      from = without(from, any)
    else
      redis.call('BITOP', 'AND', any, any, from)
      from = any
    end
  end
  return from
end

local function fits(node, shape, rank)
  return is_open(node) and has_room(node, shape) and allows(node, shape.terms) and not holds_back(node, shape, rank)
    and tokens_fit(shape, rank)
end

local function first_of(bitmap)
  return redis.call('BITPOS', bitmap, 1)
end

local function node_at(position)
  return load_node(redis.call('ZRANGEBYSCORE', K.nodes, position, position)[1])
end

-- Give `visit` the nodes of a bitmap that `choose` picks, one after another, until it returns true. The bitmap may be
-- anybody's: it is copied before the first bit is cleared.
local function each_of(bitmap, choose, visit)
  local own
  while true do
    local position = choose(bitmap)
    if position < 0 then
      return nil
    end
    local node = node_at(position)
    if visit(node) then
      return node
    end
    if not own then
      own = scratch()
      redis.call('BITOP', 'OR', own, bitmap, bitmap)
      bitmap = own
    end
    redis.call('SETBIT', own, position, 0)
  end
end

-- -> cost, devices, cost of what is shared, since (ms)
local function parse_record(record)
  local since, cost, devices, shared_cost = string.match(record, '^%d+|(%d+)|([^|]*)|([^|]*)|(.*)$')
  return cost, devices, shared_cost, tonumber(since)
end

local function each_device(devices, visit)
  for resource, list in string.gmatch(devices, '([^:;]+):([^;]+)') do
    for index, units, memory in string.gmatch(list, '(%d+)=(%d+)(m?)') do
      visit(resource, tonumber(index), tonumber(units), memory == 'm')
    end
  end
end

local function find_device(node, resource, index)
  for _, device in ipairs(node.dev[resource] or {}) do
    if device.index == index then
      return device
    end
  end
  return nil
end

-- Heads that no open node could hold stand behind all others in `fronts`, until one opens: ranks are below 2^52.
local BEHIND = 2 ^ 52

local function recall_fronts()
  for _, shape_text in ipairs(redis.call('ZRANGEBYSCORE', K.fronts, text(BEHIND), '+inf')) do
    redis.call('ZINCRBY', K.fronts, text(-BEHIND), shape_text)
  end
end

local function set_open(node)
  redis.call('SETBIT', K.open, node.position, is_open(node) and 1 or 0)
  if is_open(node) then
    recall_fronts()
  end
end
