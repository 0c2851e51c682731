-- What the records of a node say that is reserved, for books that were written over, or are made anew.
--
-- KEYS     reservations
-- @include texts/cost  texts/devices  texts/reservation  texts/resource  writes

-- `visit(cost, devices)`, both as texts.
local function each_record(name, visit)
  local flat = redis.call('HGETALL', Writes.settle(K.reservations .. name))
  for i = 2, #flat, 2 do
    visit(Reservation.read(flat[i]))
  end
end

-- -> {resource -> units}
function Recount.used(name)
  local used = {}
  each_record(name, function(cost)
    for _, want in ipairs(Cost.read(cost)) do
      used[want[1]] = (used[want[1]] or 0) + want[2]
    end
  end)
  return used
end

-- Devices with what is reserved of each taken off. `listed` is {{index, total memory or nil}, ...}. A device that was
-- removed and is listed again comes back as it is reserved.
function Recount.devices(name, family, listed)
  local free, by_index = {}, {}
  for i, each in ipairs(listed) do
    free[i] = {index = each[1], share = Resource.UNIT, memory = each[2], total = each[2]}
    by_index[each[1]] = free[i]
  end
  each_record(name, function(_, devices)
    Devices.each(devices, function(of, index, units, is_memory)
      local device = of == family and by_index[index]
      if device and not is_memory then
        device.share = device.share - units
      elseif device and device.total then
        device.memory = device.memory - units
      end
    end)
  end)
  return free
end
