-- What the index says of a node, made from its books; and what one function could get of that.
--
-- @include nodes/node_devices  texts/index_name  texts/resource

-- How much of a node is spare: the smallest free share of all that it has. It is an index like any other.
Values.SPARE = '*spare'

-- What the index says of devices, on one side.
local function add_device_values(values, resource, devices, side)
  local idle, share, memory = 0, 0, 0
  for _, device in ipairs(devices) do
    local units = side == 'cap' and Resource.UNIT or device.share
    local left = side == 'cap' and device.total or device.memory
    local whole_memory = left == device.total
    if units == Resource.UNIT and whole_memory then
      idle = idle + 1
    end
    share = math.max(share, whole_memory and units or 0)
    memory = math.max(memory, units == Resource.UNIT and left or 0)
  end
  values[IndexName.idle(resource)], values[IndexName.share(resource)] = idle, share
  if devices[1] and devices[1].total then
    values[IndexName.memory(resource)] = memory
  end
end

-- What the index says of a node, on one side.
function Values.of(node, side)
  local values, used, spare, has_devices = {}, node.used, Resource.UNIT, next(node.dev) ~= nil
  for resource, cap in pairs(node.cap) do
    local free = cap - (used[resource] or 0)
    free = free > 0 and free or 0
    local devices = has_devices and node.dev[resource]
    if devices then
      add_device_values(values, resource, devices, side)
    elseif not has_devices or not NodeDevices.of_memory(node, resource) then
      values[resource] = side == 'cap' and cap or free
    end
    if cap > 0 then
      local share = free / cap * Resource.UNIT
      spare = share < spare and share or spare
    end
  end
  if side == 'free' and next(node.cap) then
    values[Values.SPARE] = math.floor(spare)
  end
  return values
end

-- The most of a resource that one function could get of what is free.
function Values.most(free, resource)
  local of_idle, of_share, of_memory = IndexName.forms(resource)
  local idle, share = free[of_idle] or 0, free[of_share] or 0
  local of_devices = idle > 0 and idle * Resource.UNIT or math.min(share, Resource.UNIT - 1)
  local memory = of_memory and free[of_memory] or 0
  return math.max(free[resource] or 0, of_devices, memory)
end

function Values.has(free, want)
  -- A sum mostly suffices, and is the first of them.
  if (free[want[1]] or 0) >= want[2] then
    return true
  end
  local indices = want.indices or IndexName.wanted(want[1], want[2])
  want.indices = indices
  for i = 1, #indices do
    local index = indices[i]
    if (free[index[1]] or 0) >= index[2] then
      return true
    end
  end
  return false
end
