-- The labels of a node, `tier=spot;zone=a`.

-- -> {label -> value}
function Labels.read(text)
  local values = {}
  for label, value in string.gmatch(text, '([^=;]+)=([^;]*)') do
    values[label] = value
  end
  return values
end

-- One of them, as the name of its bitmap.
function Labels.write_one(label, value)
  return label .. '=' .. value
end
