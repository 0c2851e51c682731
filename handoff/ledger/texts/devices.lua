-- Devices that a function has, `gpu:0=10000,1=10000;fpga:3=2500`, or memory of one, `gpu:0=60000000m`.
--
-- @include texts/number

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

-- `visit(family, index, units, is_memory)`
function Devices.each(text, visit)
  for each in string.gmatch(text, '[^;]+') do
    local family, list = string.match(each, '^([^:]+):(.+)$')
    for item in string.gmatch(list or '', '[^,]+') do
      local index, units, memory = string.match(item, '^(%d+)=(%d+)(m?)$')
      if index then
        visit(family, tonumber(index), tonumber(units), memory == 'm')
      end
    end
  end
end
