-- A cost, `cpu=20000,gpu=5000`: resources with units of 1/10,000, in order of name.
--
-- PARSED   costs  text -> the cost
-- @include texts/number  texts/resource

-- -> {{resource, units}, ...} in the order of the text
function Cost.read(text)
  local wants = Parsed.costs[text]
  if not wants then
    wants = {}
    for each in string.gmatch(text, '[^,]+') do
      local resource, units = string.match(each, '^([^=]+)=(%d+)$')
      wants[#wants + 1] = resource and {resource, tonumber(units)}
    end
    Parsed.costs[text] = wants
  end
  return wants
end

local MOST_UNITS = 10 ^ 15

-- More than users name.
local MOST_WANTS = 512

-- Whether all of it can be counted with: names once, and amounts from `least` (1: nobody asks for none).
function Cost.is_sound(text, least)
  local parts, seen = 0, {}
  for each in string.gmatch(text, '[^,]+') do
    local resource, units = Resource.amount(each)
    parts = parts + 1
    if parts > MOST_WANTS or not resource or seen[resource] or units < (least or 1) or units > MOST_UNITS then
      return false
    end
    seen[resource] = true
  end
  return true
end

-- -> {resource -> units}
function Cost.by_name(text)
  local units_of = {}
  for _, want in ipairs(Cost.read(text)) do
    units_of[want[1]] = want[2]
  end
  return units_of
end

function Cost.write(wants)
  local parts = {}
  for i, want in ipairs(wants) do
    parts[i] = want[1] .. '=' .. Number.text(want[2])
  end
  return table.concat(parts, ',')
end

-- Both parts of a cost, of which either may be empty.
function Cost.join(one, other)
  return one .. (one ~= '' and other ~= '' and ',' or '') .. other
end
