-- A class of alike nodes: what the index says of their capacities, and their labels, `cpu=80000,gpu#idle=2@zone=a`.
--
-- PARSED   classes  text -> its two parts
-- @include texts/cost  texts/labels

-- `values` is {index name -> value}
function NodeClass.write(values, labels)
  local names, wants = {}, {}
  for name in pairs(values) do
    names[#names + 1] = name
  end
  table.sort(names)
  for i, name in ipairs(names) do
    wants[i] = {name, values[name]}
  end
  return Cost.write(wants) .. '@' .. labels
end

-- -> {index name -> value}, {label -> value}
function NodeClass.read(text)
  local parts = Parsed.classes[text]
  if not parts then
    local capacities, labels = string.match(text, '^([^@]*)@(.*)$')
    parts = {Cost.by_name(capacities), Labels.read(labels)}
    Parsed.classes[text] = parts
  end
  return parts[1], parts[2]
end
