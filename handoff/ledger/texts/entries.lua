-- What a slice of a graph consists of: entries `kind, number, count` and as many values, one behind the other.

-- `values` from `first` on. -> {kind -> {{number = text, value, ...}, ...}} of the kinds given
function Entries.read(values, first, kinds)
  local entries = {}
  for _, kind in ipairs(kinds) do
    entries[kind] = {}
  end
  local at = first
  while at <= #values do
    local entry, count = {number = values[at + 1]}, tonumber(values[at + 2])
    for i = 1, count do
      entry[i] = values[at + 2 + i]
    end
    table.insert(entries[values[at]], entry)
    at = at + 3 + count
  end
  return entries
end
