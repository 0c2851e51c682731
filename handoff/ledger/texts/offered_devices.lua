-- Devices that a node offers, `fpga:3;gpu:0,1`, those of known memory as `gpu:0/240000000`.
--
-- @include texts/number  texts/resource

-- More of one resource than any node has.
local MOST = 4096

-- -> index, total memory or ''
local function parts(item)
  return string.match(item, '^([^/]*)/?(.*)$')
end

-- Whether all of it can be read.
function OfferedDevices.is_sound(text)
  for each in string.gmatch(text, '[^;]+') do
    local resource, list = string.match(each, '^([^:]+):(.+)$')
    local count = 0
    for item in string.gmatch(list or '', '[^,]+') do
      local index, total = parts(item)
      count = count + 1
      if not Number.whole(index) or (total ~= '' and not Number.whole(total)) then
        return false
      end
    end
    if count == 0 or count > MOST or not Resource.is_sound(resource) then
      return false
    end
  end
  return true
end

-- -> {resource -> {{index, total memory or nil}, ...}}
function OfferedDevices.read(text)
  local devices = {}
  for each in string.gmatch(text, '[^;]+') do
    local resource, list = string.match(each, '^([^:]+):(.+)$')
    devices[resource] = {}
    for item in string.gmatch(list, '[^,]+') do
      local index, total = parts(item)
      table.insert(devices[resource], {tonumber(index), tonumber(total)})
    end
  end
  return devices
end
