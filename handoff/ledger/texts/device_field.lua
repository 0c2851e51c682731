-- What is free of a node's devices, `0=10000,3=2500`: index = free share; where their memory is known
-- `0=10000/60000000/240000000`, with free and total memory.
--
-- @include texts/number

local LEAST = -Number.MOST

-- So many digits are no number that counts wrongly.
local SURELY_EXACT = 15

local function read_one(text)
  local index, rest = string.match(text, '^(%d+)=([%d/-]+)$')
  local plain = index and tonumber(rest)
  if plain and #rest <= SURELY_EXACT and #index <= SURELY_EXACT then
    return {index = tonumber(index), share = plain}
  end
  local share, memory, total = string.match(rest or '', '^([^/]*)/?([^/]*)/?(.*)$')
  local device = {index = Number.whole(index), share = Number.whole(share, LEAST), memory = Number.whole(memory, LEAST),
    total = Number.whole(total)}
  return device.index and device.share and (memory == '' or (device.memory and device.total)) and device or nil
end

-- -> {{index, share, memory, total}, ...}, nil where any of it cannot be read
function DeviceField.read(text)
  local devices = {}
  for each in string.gmatch(text, '[^,]+') do
    local device = read_one(each)
    if not device then
      return nil
    end
    devices[#devices + 1] = device
  end
  return devices
end

function DeviceField.write(devices)
  local parts = {}
  for i, device in ipairs(devices) do
    parts[i] = device.index .. '=' .. Number.text(device.share)
    if device.total then
      parts[i] = parts[i] .. '/' .. Number.text(device.memory) .. '/' .. Number.text(device.total)
    end
  end
  return table.concat(parts, ',')
end
