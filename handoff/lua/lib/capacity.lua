-- What a node has: set at registration, changed by the next one, taken away with the node.
--
-- KEYS     node  nodes  planes  plane  live  open  held  dirty
-- @include lib/node

-- `cpu=80000,gpu=20000` and `gpu:0,1;fpga:3` -> {resource -> units}, {resource -> {index, ...}}
local function parse_capabilities(units_text, devices_text)
  local units, devices = {}, {}
  for resource, amount in string.gmatch(units_text, '([^=,]+)=(%d+)') do
    units[resource] = tonumber(amount)
  end
  for resource, list in string.gmatch(devices_text, '([^:;]+):([^;]+)') do
    devices[resource] = {}
    for index in string.gmatch(list, '%d+') do
      table.insert(devices[resource], tonumber(index))
    end
  end
  return units, devices
end

-- Devices with what is held of each taken off; a device that was removed and is listed again comes back as it is held.
local function free_devices(node, resource, indices)
  local free, by_index = {}, {}
  for i, index in ipairs(indices) do
    free[i] = {index, UNIT}
    by_index[index] = free[i]
  end
  local flat = redis.call('HGETALL', K.held .. node.name)
  for i = 2, #flat, 2 do
    local _, _, devices = parse_record(flat[i])
    each_device(devices, function(name, index, units)
      if name == resource and by_index[index] then
        by_index[index][2] = by_index[index][2] - units
      end
    end)
  end
  return free
end

local function reindex(node, side, old, new)
  for index, value in pairs(new) do
    local planes = planes_for(value)
    if planes > tonumber(redis.call('HGET', K.planes, index) or 0) then
      redis.call('HSET', K.planes, index, planes)
    end
    set_value(side, index, node.position, old[index] or 0, value)
  end
  for index, value in pairs(old) do
    if not new[index] then
      set_value(side, index, node.position, value, 0)
    end
  end
end

-- A new row for a node that nobody knows yet: after the last one in order.
local function new_node(name)
  local last = redis.call('ZREVRANGE', K.nodes, 0, 0, 'WITHSCORES')
  local position = last[2] and tonumber(last[2]) + 1 or 0
  redis.call('ZADD', K.nodes, position, name)
  redis.call('HSET', K.node .. name, 'position', position, 'epoch', '0', 'state', 'lost')
  return load_node(name)
end

-- Replace what the node has; what is reserved stays. The node is tried with everything that waits.
local function set_capabilities(node, units, devices)
  local old_free, old_cap = node.free, values_of(node, 'cap')
  for field in pairs(node.stored) do
    if string.find(field, '^cap:') or string.find(field, '^dev:') then
      redis.call('HDEL', K.node .. node.name, field)
      node.stored[field] = nil
    end
  end
  node.cap, node.dev = units, {}
  for resource, indices in pairs(devices) do
    node.dev[resource] = free_devices(node, resource, indices)
  end
  for resource, amount in pairs(units) do
    redis.call('HSET', K.node .. node.name, 'cap:' .. resource, text(amount))
  end
  node.free = values_of(node, 'free')
  reindex(node, 'free', old_free, node.free)
  reindex(node, 'cap', old_cap, values_of(node, 'cap'))
  write_node(node)
  node.over = is_over(node) and '1' or nil
  if node.over then
    redis.call('HSET', K.node .. node.name, 'over', '1')
  else
    redis.call('HDEL', K.node .. node.name, 'over')
  end
  set_open(node)
  node.was = node.free
  if is_open(node) then
    redis.call('ZADD', K.dirty, '-inf', node.name)
  end
end

-- The node is gone for good; nothing is held on it any more.
local function forget_node(node)
  reindex(node, 'free', node.free, {})
  reindex(node, 'cap', values_of(node, 'cap'), {})
  redis.call('SETBIT', K.live, node.position, 0)
  redis.call('SETBIT', K.open, node.position, 0)
  redis.call('ZREM', K.nodes, node.name)
  redis.call('ZREM', K.dirty, node.name)
  redis.call('DEL', K.node .. node.name)
  loaded[node.name] = nil
  if redis.call('EXISTS', K.nodes) == 0 then
    local flat = redis.call('HGETALL', K.planes)
    for i = 1, #flat, 2 do
      for bit = 0, tonumber(flat[i + 1]) - 1 do
        redis.call('DEL', K.plane .. 'free:' .. flat[i] .. ':' .. bit, K.plane .. 'cap:' .. flat[i] .. ':' .. bit)
      end
    end
    redis.call('DEL', K.planes, K.live, K.open)
  end
end
