-- What a node has: set at registration, changed by the next one, taken away with the node.
--
-- KEYS     node  nodes  drained  planes  live  open  withheld  held  dirty  labels  label  able
-- @include lib/class
-- @include lib/hold
-- @include lib/over

-- `cpu=80000,gpu=20000` and `gpu:0,1;fpga:3`, with memory `gpu:0/240000000` -> {resource -> units},
-- {resource -> {{index, total memory or nil}, ...}}
local function parse_capabilities(units_text, devices_text)
  local units, devices = {}, {}
  for resource, amount in string.gmatch(units_text, '([^=,]+)=(%d+)') do
    units[resource] = tonumber(amount)
  end
  for resource, list in string.gmatch(devices_text, '([^:;]+):([^;]+)') do
    devices[resource] = {}
    for index, total in string.gmatch(list, '(%d+)/?(%d*)') do
      table.insert(devices[resource], {tonumber(index), tonumber(total)})
    end
  end
  return units, devices
end

-- Devices with what is held of each taken off; a device that was removed and is listed again comes back as it is held.
local function free_devices(node, resource, listed)
  local free, by_index = {}, {}
  for i, each in ipairs(listed) do
    free[i] = {index = each[1], share = UNIT, memory = each[2], total = each[2]}
    by_index[each[1]] = free[i]
  end
  local flat = redis.call('HGETALL', K.held .. node.name)
  for i = 2, #flat, 2 do
    local _, devices = parse_record(flat[i])
    each_device(devices, function(name, index, units, is_memory)
      local device = name == resource and by_index[index]
      if device and not is_memory then
        device.share = device.share - units
      elseif device and device.total then
        device.memory = device.memory - units
      end
    end)
  end
  return free
end

local function widen_planes(values)
  for index, value in pairs(values) do
    local planes = planes_for(value)
    if planes > tonumber(redis.call('HGET', K.planes, index) or 0) then
      redis.call('HSET', K.planes, index, planes)
    end
  end
end

local function index_capacity(node, old, new)
  for index, value in pairs(new) do
    set_value(column_of('cap', index), node.position, old[index] or 0, value)
  end
  for index, value in pairs(old) do
    if not new[index] then
      set_value(column_of('cap', index), node.position, value, 0)
    end
  end
end

-- A new row for a node that nobody knows yet: after the last one in order.
local function new_node(name)
  local last = redis.call('ZREVRANGE', K.nodes, 0, 0, 'WITHSCORES')
  local position = last[2] and tonumber(last[2]) + 1 or 0
  redis.call('ZADD', K.nodes, position, name)
  redis.call('HSET', K.node .. name, 'position', position, 'epoch', '0', 'state', 'lost')
  -- Who left while it was drained comes back so.
  if redis.call('SISMEMBER', K.drained, name) == 1 then
    redis.call('HSET', K.node .. name, 'draining', '0')
  end
  return load_node(name)
end

local function count_label(label, by)
  if redis.call('HINCRBY', K.labels, label, by) == 0 then
    redis.call('HDEL', K.labels, label)
    redis.call('DEL', K.label .. label)
  end
end

-- Replace the labels, `tier=spot;zone=a`.
local function set_labels(node, labels)
  local now_has = {}
  for label, value in string.gmatch(labels, '([^=;]+)=([^;]*)') do
    now_has[label] = value
  end
  for label, value in pairs(node.label) do
    if now_has[label] ~= value then
      redis.call('SETBIT', K.label .. label .. '=' .. value, node.position, 0)
      count_label(label .. '=' .. value, -1)
    end
  end
  for label, value in pairs(now_has) do
    if node.label[label] ~= value then
      redis.call('SETBIT', K.label .. label .. '=' .. value, node.position, 1)
      count_label(label .. '=' .. value, 1)
    end
  end
  node.label = now_has
  set_field(node, 'labels', labels ~= '' and labels or nil)
end

-- Whether what is held fits, and with it whether anything may be placed.
local function set_over(node)
  set_field(node, 'over', is_over(node) and '1' or nil)
  set_open(node)
  node.was = node.free
end

-- Replace what the node has; what is reserved stays. The node is tried with everything that waits.
local function set_capabilities(node, units, devices, labels, now)
  leave_class(node)
  end_hold(node, now)
  -- What is unsaved goes by what the node had.
  save_books()
  local old_cap = values_of(node, 'cap')
  for field in pairs(node.stored) do
    if string.find(field, '^cap:') or string.find(field, '^dev:') then
      redis.call('HDEL', K.node .. node.name, field)
      node.stored[field] = nil
    end
  end
  for resource, used in pairs(node.used) do
    if used == 0 and not units[resource] then
      node.used[resource] = nil
      node.stored['used:' .. resource] = nil
      redis.call('HDEL', K.node .. node.name, 'used:' .. resource)
    end
  end
  node.cap, node.dev = units, {}
  for resource, listed in pairs(devices) do
    node.dev[resource] = free_devices(node, resource, listed)
  end
  for resource, amount in pairs(units) do
    redis.call('HSET', K.node .. node.name, 'cap:' .. resource, text(amount))
  end
  local cap = values_of(node, 'cap')
  widen_planes(cap)
  index_capacity(node, old_cap, cap)
  write_node(node)
  widen_planes(node.free)
  set_labels(node, labels)
  set_over(node)
  set_live(node)
  if is_open(node) then
    redis.call('ZADD', K.dirty, '-inf', node.name)
  end
end

-- The node is gone for good; nothing is held on it any more.
local function forget_node(node, now)
  put_free(node.position, node.free, {})
  save_values()
  index_capacity(node, values_of(node, 'cap'), {})
  set_labels(node, '')
  leave_class(node)
  end_hold(node, now)
  redis.call('SETBIT', K.live, node.position, 0)
  redis.call('DEL', K.able)
  redis.call('SETBIT', K.open, node.position, 0)
  redis.call('ZREM', K.nodes, node.name)
  redis.call('ZREM', K.dirty, node.name)
  drop_node(node)
  if redis.call('EXISTS', K.nodes) == 0 then
    local flat = redis.call('HGETALL', K.planes)
    for i = 1, #flat, 2 do
      for bit = 0, tonumber(flat[i + 1]) - 1 do
        redis.call('DEL', column_of('free', flat[i]) .. bit, column_of('cap', flat[i]) .. bit)
      end
    end
    redis.call('DEL', K.planes, K.live, K.open, K.withheld)
  end
end
