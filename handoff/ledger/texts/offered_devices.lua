-- Devices that a node offers, `fpga:3;gpu:0,1`, those of known memory as `gpu:0/240000000`.

-- -> {resource -> {{index, total memory or nil}, ...}}
function OfferedDevices.read(text)
  local devices = {}
  for resource, list in string.gmatch(text, '([^:;]+):([^;]+)') do
    devices[resource] = {}
    for index, total in string.gmatch(list, '(%d+)/?(%d*)') do
      table.insert(devices[resource], {tonumber(index), tonumber(total)})
    end
  end
  return devices
end
