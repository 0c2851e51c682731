-- What is free of a node's devices, `0=10000,3=2500`: index = free share; where their memory is known
-- `0=10000/60000000/240000000`, with free and total memory.
--
-- @include texts/number

-- -> {{index, share, memory, total}, ...}
function DeviceField.read(text)
  local devices = {}
  for index, rest in string.gmatch(text, '(%d+)=([^,]+)') do
    local share, memory, total = string.match(rest, '^(-?%d+)/?(-?%d*)/?(%d*)$')
    devices[#devices + 1] = {index = tonumber(index), share = tonumber(share), memory = tonumber(memory),
      total = tonumber(total)}
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
