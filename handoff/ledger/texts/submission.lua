-- Functions that are submitted together. How many kinds of them there are, and each kind: how many values follow, then demand,
-- options, priority, preferred, refuse (0, 1), delay_ms, due_ms, how many fields of its hash each function has for itself, the
-- names of these, and what all have there: name, value, ... Then the functions in their order: number of the kind, id of the
-- job, a value for each field of its own. Kinds are the same in a slice of a graph (runs/graph_entries).
--
-- @include texts/number

local BEFORE_FIELDS = 8

-- Lua unpacks at most 8,000.
local MOST_VALUES = 1000

-- The `count` values behind `at`. -> {demand = , ..., fields = {name, value, ...}, own = how many of these, the first, each function
-- has for itself}; nil where it is none
function Submission.kind(values, at, count)
  if not count or count < BEFORE_FIELDS or count > MOST_VALUES or at + count > #values then
    return nil
  end
  local kind = {demand = values[at + 1], options = values[at + 2], priority = Number.whole(values[at + 3], -Number.MOST),
    preferred = values[at + 4], refuse = Number.whole(values[at + 5], 0, 1),
    delay_ms = Number.whole(values[at + 6], -Number.MOST), due_ms = Number.whole(values[at + 7], -Number.MOST),
    own = Number.whole(values[at + 8], 0, count - BEFORE_FIELDS), fields = {}}
  if not (kind.priority and kind.refuse and kind.delay_ms and kind.due_ms and kind.own) then
    return nil
  end
  at = at + BEFORE_FIELDS
  for i = 1, kind.own do
    kind.fields[2 * i - 1], kind.fields[2 * i] = values[at + i], ''
  end
  for i = kind.own + 1, count - BEFORE_FIELDS do
    kind.fields[kind.own + i] = values[at + i]
  end
  return kind
end

-- `values` from `first` on. -> {kinds = {...}, functions = {{id = , kind = , values = , at = behind which of them its own stand},
-- ...}}; nil where they are none of these
function Submission.read(values, first)
  local kinds, all, at, size = {}, {}, first + 1, #values
  for i = 1, Number.whole(values[first], 1) or 0 do
    local count = Number.whole(values[at])
    kinds[i] = Submission.kind(values, at, count)
    if not kinds[i] then
      return nil
    end
    at = at + 1 + count
  end
  local count = 0
  while at < size do
    local kind = kinds[tonumber(values[at])]
    if not kind then
      return nil
    end
    count = count + 1
    all[count] = {id = values[at + 1], kind = kind, values = values, at = at + 1}
    at = at + 2 + kind.own
  end
  return at == size + 1 and count > 0 and {kinds = kinds, functions = all} or nil
end

-- -> the fields of the hash of one of them, {name, value, ...}
function Submission.fields(one)
  local values, at = one.values, one.at
  local fields = {unpack(one.kind.fields)}
  for i = 1, one.kind.own do
    fields[2 * i] = values[at + i]
  end
  return fields
end
