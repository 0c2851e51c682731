-- Devices that a function has, `gpu:0=10000,1=10000;fpga:3=2500`, or memory of one, `gpu:0=60000000m`.
--
-- @include texts/number  texts/resource

-- One resource of it; `taken` is {{index, units}, ...}.
function Devices.write_one(family, taken, is_memory)
  local parts = {}
  for i, each in ipairs(taken) do
    parts[i] = each[1] .. '=' .. Number.text(each[2]) .. (is_memory and 'm' or '')
  end
  return family .. ':' .. table.concat(parts, ',')
end

function Devices.join(parts)
  return table.concat(parts, ';')
end

-- -> family, its items as text; nil where it cannot be read
local function family_parts(each)
  return string.match(each, '^([^:]+):(.+)$')
end

-- -> index, units, 'm' of memory
local function item_parts(item)
  return string.match(item, '^(%d+)=(%d+)(m?)$')
end

-- Whether all of it can be read.
function Devices.is_sound(text)
  for each in string.gmatch(text, '[^;]+') do
    local family, list = family_parts(each)
    if not family or not Resource.is_sound(family) then
      return false
    end
    for item in string.gmatch(list, '[^,]+') do
      local index, units = item_parts(item)
      if not Number.whole(index) or not Number.whole(units) then
        return false
      end
    end
  end
  return true
end

-- `visit(family, index, units, is_memory)`
function Devices.each(text, visit)
  for each in string.gmatch(text, '[^;]+') do
    local family, list = family_parts(each)
    for item in string.gmatch(list or '', '[^,]+') do
      local index, units, memory = item_parts(item)
      if index then
        visit(family, tonumber(index), tonumber(units), memory == 'm')
      end
    end
  end
end
