-- Whether a slice of a graph (texts/entries) can be loaded: looked at whole, for Redis does not roll back.
--
-- @include texts/demand  texts/number  texts/number_list  texts/options  texts/terms

local MOST = 10 ^ 6

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

function looks.job(entry)
  local demand, options, priority, place, dependencies, group = unpack(entry, 1, 6)
  return #entry >= 9 and has_pairs(entry, 8) and Demand.is_sound(demand) and Options.is_sound(options)
    and Number.whole(priority, -1000, 1000) and Number.whole(place, 0, MOST) and Number.whole(dependencies, 1, MOST)
    and (group == '' or Number.whole(group, 0, MOST)) and true
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

-- `values` from `first` on; the first slice of a run, and no other, says what the run is.
function GraphEntries.are_sound(values, first, is_first)
  local at, runs = first, 0
  while at <= #values do
    local is_sound, count = looks[values[at]], Number.whole(values[at + 2], 0, MOST)
    if not is_sound or not count or at + 2 + count > #values or not Number.whole(values[at + 1], 0, MOST) then
      return false
    end
    local entry = {}
    for i = 1, count do
      entry[i] = values[at + 2 + i]
    end
    if not is_sound(entry) then
      return false
    end
    runs = runs + (values[at] == 'run' and 1 or 0)
    at = at + 3 + count
  end
  return runs == (is_first and 1 or 0)
end
