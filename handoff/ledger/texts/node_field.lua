-- The fields of a node's hash that are by resource: `cap:<r>` (units that it has), `used:<r>` (that are reserved), `dev:<r>`
-- (its devices: texts/device_field), and of what all share `tried:<r>` (units with which all that waits was tried last).
--
-- PARSED   node_fields  field -> {kind, resource}

function NodeField.of(kind, resource)
  return kind .. ':' .. resource
end

-- -> kind, resource; nil of any other field
function NodeField.read(field)
  local parts = Parsed.node_fields[field]
  if not parts then
    parts = {string.match(field, '^(%l+):(.+)$')}
    Parsed.node_fields[field] = parts
  end
  return parts[1], parts[2]
end
