-- The devices of a node: which serve what, and which are chosen.
--
-- @include texts/devices  texts/resource

-- The devices whose memory the resource is, or nil.
function NodeDevices.of_memory(node, resource)
  local family = Resource.family(resource)
  local devices = family ~= resource and node.dev[family]
  return devices and devices[1] and devices[1].total and devices or nil
end

function NodeDevices.find(node, resource, index)
  for _, device in ipairs(node.dev[resource] or {}) do
    if device.index == index then
      return device
    end
  end
  return nil
end

-- Whole amounts take idle devices by index; a share takes the fullest device that still has room. -> {{index, units}, ...}
function NodeDevices.take(devices, units)
  local taken = {}
  if units < Resource.UNIT then
    local best
    for _, device in ipairs(devices) do
      if device.share >= units and device.memory == device.total and (not best or device.share < best.share) then
        best = device
      end
    end
    best.share = best.share - units
    return {{best.index, units}}
  end
  local missing = units / Resource.UNIT
  for _, device in ipairs(devices) do
    if missing > 0 and device.share == Resource.UNIT and device.memory == device.total then
      device.share = 0
      missing = missing - 1
      taken[#taken + 1] = {device.index, Resource.UNIT}
    end
  end
  return taken
end

-- Memory is taken from the fullest device that still has so much, of those that serve nobody otherwise.
function NodeDevices.take_memory(devices, units)
  local best
  for _, device in ipairs(devices) do
    if device.share == Resource.UNIT and device.memory >= units and (not best or device.memory < best.memory) then
      best = device
    end
  end
  best.memory = best.memory - units
  return {{best.index, units}}
end

-- Add these devices (texts/devices) to what is free of them. Those that are no longer listed are passed over.
function NodeDevices.give_back(node, devices)
  if devices == '' then
    return
  end
  Devices.each(devices, function(family, index, units, is_memory)
    local device = NodeDevices.find(node, family, index)
    if device and not is_memory then
      device.share = device.share + units
    elseif device and device.total then
      device.memory = device.memory + units
    end
  end)
end
