-- What a slice of a graph consists of: entries `kind, number, count` and as many values, one behind the other.
--
-- @include texts/number

-- `values` from `first` on. -> {kind -> {{number = text, value, ...}, ...}} of the kinds given; nil where it is none of these
function Entries.read(values, first, kinds)
  local entries, at, last = {}, first, #values
  for _, kind in ipairs(kinds) do
    entries[kind] = {}
  end
  while at <= last do
    local of_kind, count = entries[values[at]], Number.whole(values[at + 2])
    if not of_kind or not count or at + 2 + count > last then
      return nil
    end
    local entry = {number = values[at + 1]}
    for i = 1, count do
      entry[i] = values[at + 2 + i]
    end
    of_kind[#of_kind + 1] = entry
    at = at + 3 + count
  end
  return entries
end
