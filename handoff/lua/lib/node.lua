-- The books of one node: what it has, what of it is used, which devices are free, and who holds what.
--
-- One hash a node: `position`, `epoch`, `state` (up, lost), `kind` (static, leased), for leased ones `incarnation`,
-- `holder`, `lease_ms`, `op` and `op_reply`; `over` while something held does not fit the capacity, `quiet` while its
-- agent takes no more; and per resource
-- `cap:<r>`, `used:<r>` and, where it consists of devices, `dev:<r>` as `0=10000,3=2500` (index = free share).
-- A record in `held` is `<epoch>|<cost>|<devices>`: release adds back what the record says, never what a caller says.
--
-- KEYS     node  nodes  held  live  open
-- @include lib/clock
-- @include lib/shape
-- @include lib/events
-- @include lib/index

local loaded = {}

local function parse_devices(packed)
  local free = {}
  for index, units in string.gmatch(packed, '(%d+)=(%d+)') do
    free[#free + 1] = {tonumber(index), tonumber(units)}
  end
  return free
end

local function pack_devices(free)
  local parts = {}
  for i, device in ipairs(free) do
    parts[i] = device[1] .. '=' .. device[2]
  end
  return table.concat(parts, ',')
end

-- What the index says of a node, on one side.
local function values_of(node, side)
  local values = {}
  for resource, cap in pairs(node.cap) do
    local devices = node.dev[resource]
    if devices then
      local idle, share = 0, 0
      for _, device in ipairs(devices) do
        local units = side == 'cap' and UNIT or device[2]
        idle = idle + (units == UNIT and 1 or 0)
        share = math.max(share, units)
      end
      values[resource .. '#idle'], values[resource .. '#share'] = idle, share
    elseif side == 'cap' then
      values[resource] = cap
    else
      values[resource] = math.max(0, cap - (node.used[resource] or 0))
    end
  end
  return values
end

-- nil where no such node is known. Loaded once a script; changes reach Redis with `write_node`.
local function load_node(name)
  if loaded[name] then
    return loaded[name]
  end
  local flat = redis.call('HGETALL', K.node .. name)
  if #flat == 0 then
    return nil
  end
  local node = {name = name, cap = {}, used = {}, dev = {}, stored = {}}
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
  node.position = tonumber(node.position)
  node.free = values_of(node, 'free')
  -- What was free when this script began: `wake` asks what has grown since.
  node.was = node.free
  loaded[name] = node
  return node
end

local function is_open(node)
  return node.state == 'up' and not node.over and not node.quiet
end

-- Bring hash and planes to what the table says.
local function write_node(node)
  local changed = {}
  for resource in pairs(node.cap) do
    local used = text(node.used[resource] or 0)
    if node.stored['used:' .. resource] ~= used then
      node.stored['used:' .. resource] = used
      changed[#changed + 1], changed[#changed + 2] = 'used:' .. resource, used
    end
    if node.dev[resource] then
      local packed = pack_devices(node.dev[resource])
      if node.stored['dev:' .. resource] ~= packed then
        node.stored['dev:' .. resource] = packed
        changed[#changed + 1], changed[#changed + 2] = 'dev:' .. resource, packed
      end
    end
  end
  if #changed > 0 then
    redis.call('HSET', K.node .. node.name, unpack(changed))
  end
  local free = values_of(node, 'free')
  for index, value in pairs(free) do
    if node.free[index] ~= value then
      set_value('free', index, node.position, node.free[index] or 0, value)
    end
  end
  node.free = free
end

local function fits(node, wants)
  if not is_open(node) then
    return false
  end
  for _, want in ipairs(wants) do
    local met = false
    for _, index in ipairs(indices_of(want[1], want[2])) do
      met = met or (node.free[index[1]] or 0) >= index[2]
    end
    if not met then
      return false
    end
  end
  return true
end

-- The first node in order that fits, or nil. `base` restricts the choice to a bitmap (default: all open nodes).
local function first_fit(wants, pin, base)
  if pin ~= '' then
    local node = load_node(pin)
    return node and fits(node, wants) and node or nil
  end
  local bitmap = satisfying('free', base or K.open, wants)
  local position = bitmap and redis.call('BITPOS', bitmap, 1) or -1
  drop_scratch()
  if position < 0 then
    return nil
  end
  local node = load_node(redis.call('ZRANGEBYSCORE', K.nodes, position, position)[1])
  if not fits(node, wants) then
    error('the index says that ' .. node.name .. ' fits and its books say that it does not')
  end
  return node
end

-- Whole amounts take idle devices by index; a share takes the fullest device that still has room.
local function take_devices(devices, units)
  local taken = {}
  if units < UNIT then
    local best
    for _, device in ipairs(devices) do
      if device[2] >= units and (not best or device[2] < best[2]) then
        best = device
      end
    end
    best[2] = best[2] - units
    return {best[1] .. '=' .. units}
  end
  local missing = units / UNIT
  for _, device in ipairs(devices) do
    if missing > 0 and device[2] == UNIT then
      device[2] = 0
      missing = missing - 1
      taken[#taken + 1] = device[1] .. '=' .. UNIT
    end
  end
  return taken
end

-- Hold `cost` on a node that fits it. -> devices as text, `gpu:0=10000,1=10000`
local function hold(node, id, cost, now)
  local wants = parse_shape(cost)
  local devices = {}
  for _, want in ipairs(wants) do
    local resource, units = want[1], want[2]
    node.used[resource] = (node.used[resource] or 0) + units
    if node.dev[resource] then
      devices[#devices + 1] = resource .. ':' .. table.concat(take_devices(node.dev[resource], units), ',')
    end
  end
  local listed = table.concat(devices, ';')
  redis.call('HSET', K.held .. node.name, id, node.epoch .. '|' .. cost .. '|' .. listed)
  write_node(node)
  emit(now, 'reserved', 'id', id, 'node', node.name, 'cost', cost, 'devices', listed)
  return listed
end

local function parse_record(record)
  local epoch, cost, devices = string.match(record, '^(%d+)|([^|]*)|(.*)$')
  return epoch, cost, devices
end

local function each_device(devices, visit)
  for resource, list in string.gmatch(devices, '([^:;]+):([^;]+)') do
    for index, units in string.gmatch(list, '(%d+)=(%d+)') do
      visit(resource, tonumber(index), tonumber(units))
    end
  end
end

local function find_device(node, resource, index)
  for _, device in ipairs(node.dev[resource] or {}) do
    if device[1] == index then
      return device
    end
  end
  return nil
end

-- What is held beyond what the node says it has, after its capabilities were lowered: sums past their capacity, and
-- devices that are no longer listed. -> {resource -> units}
local function excess(node)
  local beyond, sums = {}, {}
  local flat = redis.call('HGETALL', K.held .. node.name)
  for i = 2, #flat, 2 do
    local _, cost, devices = parse_record(flat[i])
    local on_devices = {}
    each_device(devices, function(resource, index, units)
      on_devices[resource] = true
      if not find_device(node, resource, index) then
        beyond[resource] = (beyond[resource] or 0) + units
      end
    end)
    for _, want in ipairs((parse_shape(cost))) do
      if not on_devices[want[1]] then
        sums[want[1]] = (sums[want[1]] or 0) + want[2]
      end
    end
  end
  for resource, units in pairs(sums) do
    local cap = node.dev[resource] and 0 or node.cap[resource] or 0
    if units > cap then
      beyond[resource] = (beyond[resource] or 0) + units - cap
    end
  end
  return beyond
end

local function is_over(node)
  for resource, used in pairs(node.used) do
    -- The cheap test first: a node that holds thousands of reservations is asked at each release.
    if not node.dev[resource] and used > (node.cap[resource] or 0) then
      return true
    end
  end
  return next(excess(node)) ~= nil
end

local function set_open(node)
  redis.call('SETBIT', K.live, node.position, node.state == 'up' and 1 or 0)
  redis.call('SETBIT', K.open, node.position, is_open(node) and 1 or 0)
end

-- Give a reservation back. -> true; false where there is none, or it belongs to an older epoch of the node
local function give_back(node, id, outcome, now)
  local record = redis.call('HGET', K.held .. node.name, id)
  if not record then
    return false
  end
  local _, cost, devices = parse_record(record)
  redis.call('HDEL', K.held .. node.name, id)
  for _, want in ipairs((parse_shape(cost))) do
    local left = (node.used[want[1]] or 0) - want[2]
    node.used[want[1]] = left
    if left == 0 and not node.cap[want[1]] then
      -- The last of a resource that the node no longer lists.
      node.used[want[1]] = nil
      redis.call('HDEL', K.node .. node.name, 'used:' .. want[1])
    elseif not node.cap[want[1]] then
      redis.call('HSET', K.node .. node.name, 'used:' .. want[1], text(left))
    end
  end
  each_device(devices, function(resource, index, units)
    local device = find_device(node, resource, index)
    if device then
      device[2] = device[2] + units
    end
  end)
  write_node(node)
  if node.over and not is_over(node) then
    node.over = nil
    redis.call('HDEL', K.node .. node.name, 'over')
    set_open(node)
    -- All of it counts as grown: nothing was placed while it was over.
    node.was = {}
  end
  emit(now, 'released', 'id', id, 'node', node.name, 'cost', cost, 'devices', devices, 'outcome', outcome)
  return true
end
