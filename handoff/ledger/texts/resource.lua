-- Names of resources, and the unit of amounts.
--
-- PARSED   families  resource -> the devices that it is of

-- Amounts are integers of 1/10,000.
Resource.UNIT = 10000

-- Of which every function needs one.
Resource.SLOTS = 'slots'

local MEMORY = '_memory'

-- Names that users give have at most 64, tokens of runs a few more.
local LONGEST = 128

function Resource.is_sound(name)
  return #name <= LONGEST and string.find(name, '^[%a_][%w_.-]*$') ~= nil
end

-- One of a cost, `cpu=20000`. -> name, units; nil where it cannot be read
function Resource.amount(text)
  local name, units = string.match(text, '^([%a_][%w_.-]*)=(%d+)$')
  if name and #name <= LONGEST then
    return name, tonumber(units)
  end
  return nil
end

-- The devices that a resource is of: `gpu` for `gpu_memory`, else itself. Using one is using the other.
function Resource.family(resource)
  local family = Parsed.families[resource]
  if not family then
    local length = #resource - #MEMORY
    family = length > 0 and string.sub(resource, length + 1) == MEMORY and string.sub(resource, 1, length) or resource
    Parsed.families[resource] = family
  end
  return family
end

-- The memory of devices of that name.
function Resource.memory(family)
  return family .. MEMORY
end
