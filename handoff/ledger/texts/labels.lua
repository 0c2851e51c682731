-- The labels of a node, `tier=spot;zone=a`.

-- -> {label -> value}
function Labels.read(text)
  local values = {}
  for each in string.gmatch(text, '[^;]+') do
    local label, value = string.match(each, '^([^=]+)=(.*)$')
    if label then
      values[label] = value
    end
  end
  return values
end

-- More than a node may have.
local MOST = 1024

-- Whether all of it can be read.
function Labels.is_sound(text)
  local count = 0
  for each in string.gmatch(text, '[^;]+') do
    count = count + 1
    if count > MOST or not string.find(each, '^[^=]+=') then
      return false
    end
  end
  return true
end

-- One of them, as the name of its bitmap.
function Labels.write_one(label, value)
  return label .. '=' .. value
end
