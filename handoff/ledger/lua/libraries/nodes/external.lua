-- What other programs use of a node's host, as its agent has said: reserved like anything else, so that nothing is placed
-- into room that is not there.
--
-- The hash of the node has what was said (`external`, texts/cost, and `external_devices`, texts/devices). The reservation has of
-- that as much as nobody else has, and takes more as others give back, before anybody does who waits.
--
-- KEYS     reservations
-- @include nodes/excess  nodes/node  nodes/node_devices  texts/cost  texts/devices  texts/reservation  texts/resource
-- @include time/events  writes

-- So much is free of a resource that is a sum.
local function free_sum(node, resource)
  local is_sum = node.cap[resource] and not node.dev[resource] and not NodeDevices.of_memory(node, resource)
  return is_sum and math.max(0, node.cap[resource] - (node.used[resource] or 0)) or 0
end

-- So much memory is free of a device, and of one that serves shares none.
local function free_memory(node, family, index)
  local device = NodeDevices.find(node, family, index)
  return device and device.total and device.share == Resource.UNIT and math.max(0, device.memory) or 0
end

-- As much of what was said as is free. -> cost, devices
local function within_reach(node)
  local families, taken, memory, wants, parts = {}, {}, {}, {}, {}
  Devices.each(node.external_devices or '', function(family, index, units)
    local most = math.min(units, free_memory(node, family, index))
    if most > 0 and not taken[family] then
      taken[family], families[#families + 1] = {}, family
    end
    if most > 0 then
      local resource = Resource.memory(family)
      table.insert(taken[family], {index, most})
      memory[resource] = (memory[resource] or 0) + most
    end
  end)
  for _, want in ipairs(Cost.read(node.external)) do
    local most = memory[want[1]] or math.min(want[2], free_sum(node, want[1]))
    wants[#wants + 1] = most > 0 and {want[1], most} or nil
  end
  for i, family in ipairs(families) do
    parts[i] = Devices.write_one(family, taken[family], true)
  end
  return Cost.write(wants), Devices.join(parts)
end

local function add(node, cost, devices, sign)
  for _, want in ipairs(Cost.read(cost)) do
    local resource, units = want[1], want[2]
    node.used[resource] = math.max(0, (node.used[resource] or 0) + sign * units)
    if not node.cap[resource] then
      Node.set_unlisted_use(node, resource, node.used[resource])
    end
  end
  Devices.each(devices, function(family, index, units)
    local device = NodeDevices.find(node, family, index)
    if device and device.total then
      device.memory = device.memory - sign * units
    end
  end)
end

-- Let it have what `choose` says once nothing of its own is in the way. -> whether what it has can be read
local function change(node, choose)
  local key, id = K.reservations .. node.name, Reservation.EXTERNAL
  local record = redis.call('HGET', Writes.settle(key), id)
  local had_cost, had_devices, _, since = Reservation.read(record)
  if record and since == 0 then
    return false
  end
  add(node, had_cost, had_devices, -1)
  local cost, devices = choose(node)
  add(node, cost, devices, 1)
  if cost == had_cost and devices == had_devices then
    return true
  end
  if record then
    redis.call('HDEL', key, id)
    Events.emit('released', 'id', id, 'node', node.name, 'cost', had_cost, 'devices', had_devices, 'outcome', 'changed')
  end
  if cost ~= '' then
    -- It is as old as the first of it.
    redis.call('HSET', key, id, Reservation.write(node.epoch, record and since or Call.now, cost, devices, ''))
    Events.emit('reserved', 'id', id, 'node', node.name, 'epoch', node.epoch, 'cost', cost, 'devices', devices)
  end
  Node.write_grown(node)
  return true
end

local function nothing()
  return '', ''
end

-- Reserve of what was said as much as there is, or give it back; while more is reserved than there is, all of it.
function External.settle(node)
  if not node.external or not Node.live(node.name) or Node.is_closing(node) then
    return
  end
  if node.over and change(node, nothing) then
    Excess.end_of(node)
  end
  if not node.over then
    change(node, within_reach)
  end
end

-- Hear from the node's agent how much that is; '' = it does not look.
function External.hear(node, external, devices)
  if external == '' and node.external and change(node, nothing) then
    Excess.end_of(node)
  end
  if (node.external or '') ~= external or (node.external_devices or '') ~= devices then
    Node.set_field(node, 'external', external ~= '' and external or nil)
    Node.set_field(node, 'external_devices', devices ~= '' and devices or nil)
  end
  External.settle(node)
end
