-- Names of resources, and the unit of amounts.
--
-- STATE    families  {}   resource -> the devices that it is of

-- Amounts are integers of 1/10,000.
Resource.UNIT = 10000

-- Of which every function needs one.
Resource.SLOTS = 'slots'

local MEMORY = '_memory'

-- The devices that a resource is of: `gpu` for `gpu_memory`, else itself. Using one is using the other.
function Resource.family(resource)
  local family = Call.families[resource]
  if not family then
    family = string.match(resource, '^(.+)' .. MEMORY .. '$') or resource
    Call.families[resource] = family
  end
  return family
end

-- The memory of devices of that name.
function Resource.memory(family)
  return family .. MEMORY
end
