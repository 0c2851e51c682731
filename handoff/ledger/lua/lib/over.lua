-- What is held beyond what a node says it has, after its capabilities were lowered.
--
-- KEYS     held
-- @lazy
-- @include lib/node

-- What is held beyond what the node says it has, after its capabilities were lowered: sums past their capacity, and
-- devices that are no longer listed, or have less memory. -> {resource -> units}
local function excess(node)
  local beyond, sums = {}, {}
  local flat = redis.call('HGETALL', K.held .. node.name)
  for i = 2, #flat, 2 do
    local cost, devices = parse_record(flat[i])
    local on_devices = {}
    each_device(devices, function(resource, index, units, is_memory)
      local name = is_memory and resource .. MEMORY or resource
      local device = find_device(node, resource, index)
      on_devices[name] = true
      if not device or (is_memory and not device.total) then
        beyond[name] = (beyond[name] or 0) + units
      end
    end)
    for _, want in ipairs(shape_of(cost).wants) do
      if not on_devices[want[1]] then
        sums[want[1]] = (sums[want[1]] or 0) + want[2]
      end
    end
  end
  for resource, units in pairs(sums) do
    local is_sum = not node.dev[resource] and not memory_devices(node, resource)
    local cap = is_sum and node.cap[resource] or 0
    if units > cap then
      beyond[resource] = (beyond[resource] or 0) + units - cap
    end
  end
  for resource, devices in pairs(node.dev) do
    for _, device in ipairs(devices) do
      if device.total and device.memory < 0 then
        beyond[resource .. MEMORY] = (beyond[resource .. MEMORY] or 0) - device.memory
      end
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
