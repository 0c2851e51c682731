-- Whether a slice of a graph (texts/entries) can be loaded: looked at whole, for Redis does not roll back.
--
-- @include texts/demand  texts/entries  texts/number  texts/number_list  texts/options  texts/submission  texts/terms

local KINDS = {'run', 'graph', 'next', 'takes', 'group', 'kind', 'job', 'claim'}

local MOST = 10 ^ 6

-- Of one kind in a slice: they are written together, and Lua unpacks at most 8,000 values.
local MOST_ENTRIES = 1000

-- Values of a job.
local BEFORE_OWN = 4

-- Whether the values from `first` on are pairs, `name, value`, of names that are there.
local function has_pairs(entry, first)
  for i = first, #entry, 2 do
    if entry[i] == '' then
      return false
    end
  end
  return (#entry - first) % 2 == 1
end

local function are_numbers(entry)
  for _, number in ipairs(entry) do
    if not Number.whole(number, 0, MOST) then
      return false
    end
  end
  return #entry > 0
end

local looks = {}

function looks.run(entry)
  local is_whole = false
  for i = 1, #entry, 2 do
    is_whole = is_whole or (entry[i] == 'total' and Number.whole(entry[i + 1], 0, MOST) ~= nil)
  end
  return is_whole and has_pairs(entry, 1)
end

function looks.graph(entry)
  return #entry == 1
end

function looks.next(entry)
  return #entry == 1 and NumberList.is_sound(entry[1])
end

function looks.takes(entry)
  return are_numbers(entry)
end

function looks.group(entry)
  return #entry == 2 and NumberList.is_sound(entry[1]) and Terms.is_sound(entry[2])
end

-- What is read of it is kept, in `entry.kind`.
function looks.kind(entry)
  local kind = Submission.kind(entry, 0, #entry)
  entry.kind = kind
  return kind and has_pairs(kind.fields, 1) and Demand.is_sound(kind.demand) and Options.is_sound(kind.options)
    and math.abs(kind.priority) <= 1000
end

-- The kinds of a slice go before.
function looks.job(entry, entries)
  local number, place, dependencies, group = unpack(entry, 1, BEFORE_OWN)
  local of_kind = entries.kind[tonumber(number)]
  entry.kind, entry.values, entry.at = of_kind and of_kind.kind, entry, BEFORE_OWN
  return entry.kind and #entry == BEFORE_OWN + entry.kind.own and Number.whole(place, 0, MOST)
    and Number.whole(dependencies, 1, MOST) and (group == '' or Number.whole(group, 0, MOST)) and true
end

-- Numbers and costs, one each; of one run all is in this slice or an earlier one.
function looks.claim(entry)
  if not Options.is_strategy(entry[1]) or not Terms.is_sound(entry[2] or ';=') or #entry < 4 or #entry % 2 == 1 then
    return false
  end
  for i = 3, #entry, 2 do
    if not Number.whole(entry[i], 1, MOST) or not Demand.is_sound(entry[i + 1]) then
      return false
    end
  end
  return true
end

-- `values` from `first` on; the first slice of a run, and no other, says what the run is. -> {kind -> {entry, ...}}, nil
-- where they are not sound
function GraphEntries.read(values, first, is_first)
  local entries = Entries.read(values, first, KINDS)
  for _, kind in ipairs(entries and KINDS or {}) do
    if #entries[kind] > MOST_ENTRIES then
      return nil
    end
    for _, entry in ipairs(entries[kind]) do
      if not Number.whole(entry.number, 0, MOST) or not looks[kind](entry, entries) then
        return nil
      end
    end
  end
  return entries and #entries.run == (is_first and 1 or 0) and entries or nil
end
