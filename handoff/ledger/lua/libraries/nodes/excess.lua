-- What is reserved beyond what a node says it has, after its capabilities were lowered.
--
-- KEYS     reservations
-- @include nodes/node  nodes/node_devices  nodes/standing  texts/cost  texts/devices  texts/reservation  texts/resource
-- @include writes

-- Sums past their capacity, and devices that are no longer listed, or have less memory. -> {resource -> units}
function Excess.of(node)
  local beyond, sums = {}, {}
  local function add(to, resource, units)
    to[resource] = (to[resource] or 0) + units
  end
  local flat = redis.call('HGETALL', Writes.settle(K.reservations .. node.name))
  for i = 2, #flat, 2 do
    local cost, devices = Reservation.read(flat[i])
    local on_devices = {}
    Devices.each(devices, function(family, index, units, is_memory)
      local resource = is_memory and Resource.memory(family) or family
      local device = NodeDevices.find(node, family, index)
      on_devices[resource] = true
      if not device or (is_memory and not device.total) then
        add(beyond, resource, units)
      end
    end)
    for _, want in ipairs(Cost.read(cost)) do
      if not on_devices[want[1]] then
        add(sums, want[1], want[2])
      end
    end
  end
  for resource, units in pairs(sums) do
    local is_sum = not node.dev[resource] and not NodeDevices.of_memory(node, resource)
    local cap = is_sum and node.cap[resource] or 0
    if units > cap then
      add(beyond, resource, units - cap)
    end
  end
  for family, devices in pairs(node.dev) do
    for _, device in ipairs(devices) do
      if device.total and device.memory < 0 then
        add(beyond, Resource.memory(family), -device.memory)
      end
    end
  end
  return beyond
end

function Excess.is_over(node)
  for resource, used in pairs(node.used) do
    -- The cheap test first: a node that has thousands of reservations is asked at each release.
    if not node.dev[resource] and used > (node.cap[resource] or 0) then
      return true
    end
  end
  return next(Excess.of(node)) ~= nil
end

-- After something of a node was given back: where nothing is beyond what it has any more, it is open again.
function Excess.end_of(node)
  if node.over and not Excess.is_over(node) then
    Node.set_field(node, 'over', nil)
    Standing.set_open(node)
    -- All of it counts as grown: nothing was placed while it was over.
    node.was = {}
  end
end
