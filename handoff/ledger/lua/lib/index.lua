-- The bit-sliced index: which nodes have at least so much, exactly, in a few BITOPs however many nodes there are.
--
-- Every node has a bit position. The free amount (side `free`) and the capacity (side `cap`) of every resource are
-- kept as bit planes over all nodes and compared plane by plane: O'Neil and Quass, "Improved query performance with
-- variant indexes", SIGMOD 1997. A resource of devices is indexed as `gpu#idle` (idle devices), `gpu#share` (the
-- largest free share) and `gpu#memory` (the most free memory on one device). Runs of equal bits cost one BITOP, so
-- 1 cpu (10011100010000b) takes six, whatever the nodes.
--
-- KEYS     planes  plane  scratch
-- @include lib/shape

local scratched = {}

local function scratch()
  local key = K.scratch .. (#scratched + 1)
  scratched[#scratched + 1] = key
  return key
end

local function drop_scratch()
  -- Lua unpacks at most 8,000 values.
  for first = 1, #scratched, 1000 do
    redis.call('DEL', unpack(scratched, first, math.min(first + 999, #scratched)))
  end
  scratched = {}
end

local function planes_for(value)
  local _, bits = math.frexp(value)
  return bits
end

-- Flip the bits in which `old` and `new` differ, in the planes whose keys begin with `column`.
local function set_value(column, position, old, new)
  local bit = 0
  while old > 0 or new > 0 do
    local is, shall = old % 2, new % 2
    if is ~= shall then
      redis.call('SETBIT', column .. bit, position, shall)
    end
    old, new, bit = (old - is) / 2, (new - shall) / 2, bit + 1
  end
end

local function column_of(side, index)
  return K.plane .. side .. ':' .. index .. ':'
end

-- Free amounts reach their planes when these are looked at next, or when the script ends: a finish that starts the next
-- function gives back what it takes again.
local unsaved_values = {}

local function put_free(position, was, is)
  local known = unsaved_values[position]
  unsaved_values[position] = {was = known and known.was or was, is = is}
end

local function save_values()
  for position, values in pairs(unsaved_values) do
    for index, value in pairs(values.is) do
      if values.was[index] ~= value then
        set_value(column_of('free', index), position, values.was[index] or 0, value)
      end
    end
    for index, value in pairs(values.was) do
      if not values.is[index] then
        set_value(column_of('free', index), position, value, 0)
      end
    end
  end
  unsaved_values = {}
end

-- A scratch bitmap of those of `from` (nil: of all) whose value is at least `units` (> 0), or false where none can be.
--
-- From the lowest bit that is set up to the highest plane, what is at least the bits so far is carried along: a 1 keeps
-- those that have the bit too, a 0 adds those that have it. No complement is taken: a plane may be shorter than others.
local function at_least(column, count, units, from)
  if planes_for(units) > count then
    return false
  end
  local low = 0
  while units % 2 == 0 do
    units, low = units / 2, low + 1
  end
  local result = scratch()
  local bit, so_far = low, nil
  while bit < count do
    local digit = math.floor(units / 2 ^ (bit - low)) % 2
    local run = {so_far}
    repeat
      run[#run + 1] = column .. bit
      bit = bit + 1
    until bit == count or math.floor(units / 2 ^ (bit - low)) % 2 ~= digit
    if digit == 1 and bit == count then
      run[#run + 1], from = from, nil
    end
    redis.call('BITOP', digit == 1 and 'AND' or 'OR', result, unpack(run))
    so_far = result
  end
  if from then
    redis.call('BITOP', 'AND', result, result, from)
  end
  return result
end

-- The largest value among those of `from`, and a bitmap of those that have it.
local function largest_of(column, count, from)
  local value = 0
  for bit = count - 1, 0, -1 do
    local with = scratch()
    redis.call('BITOP', 'AND', with, from, column .. bit)
    if redis.call('BITPOS', with, 1) >= 0 then
      from, value = with, value + 2 ^ bit
    end
  end
  return value, from
end

local function largest(side, index, from)
  save_values()
  return largest_of(column_of(side, index), tonumber(redis.call('HGET', K.planes, index) or 0), from)
end

-- A scratch bitmap of `from` without those of `others`.
local function without(from, others)
  local result = scratch()
  redis.call('BITOP', 'AND', result, from, others)
  redis.call('BITOP', 'XOR', result, from, result)
  return result
end

-- The indices of one wanted amount: as a sum, as idle devices, as a share or as memory of one device. Nodes may differ
-- in which.
local function indices_of(resource, units)
  local indices = {{resource, units}}
  local family = family_of(resource)
  if family ~= resource then
    indices[2] = {family .. '#memory', units}
  elseif units < UNIT then
    indices[2] = {resource .. '#share', units}
  elseif units % UNIT == 0 then
    indices[2] = {resource .. '#idle', units / UNIT}
  end
  return indices
end

-- A scratch bitmap of the nodes of `from` that satisfy every want, or false.
local function satisfying(side, from, wants)
  save_values()
  for _, want in ipairs(wants) do
    local indices = want.indices or indices_of(want[1], want[2])
    local names = {}
    for i, index in ipairs(indices) do
      names[i] = index[1]
    end
    local counts = redis.call('HMGET', K.planes, unpack(names))
    local found = false
    for i, index in ipairs(indices) do
      local part = counts[i] and at_least(column_of(side, index[1]), tonumber(counts[i]), index[2], from)
      if part and found then
        redis.call('BITOP', 'OR', found, found, part)
      else
        found = found or part
      end
    end
    if not found then
      return false
    end
    from = found
  end
  return from
end
