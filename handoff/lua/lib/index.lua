-- The bit-sliced index: which nodes have at least so much, exactly, in a few BITOPs however many nodes there are.
--
-- Every node has a bit position. The free amount (side `free`) and the capacity (side `cap`) of every resource are
-- kept as bit planes over all nodes and compared plane by plane: O'Neil and Quass, "Improved query performance with
-- variant indexes", SIGMOD 1997. A resource of devices is indexed as `gpu#idle` (idle devices) and `gpu#share` (the
-- largest free share). Runs of equal bits cost one BITOP, so 1 cpu (10011100010000b) takes six, whatever the nodes.
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
  if #scratched > 0 then
    redis.call('DEL', unpack(scratched))
    scratched = {}
  end
end

local function planes_for(value)
  local count = 0
  while value >= 1 do
    count = count + 1
    value = math.floor(value / 2)
  end
  return count
end

-- Flip the bits in which `old` and `new` differ.
local function set_value(side, index, position, old, new)
  local bit = 0
  while old > 0 or new > 0 do
    local is, shall = old % 2, new % 2
    if is ~= shall then
      redis.call('SETBIT', K.plane .. side .. ':' .. index .. ':' .. bit, position, shall)
    end
    old, new, bit = (old - is) / 2, (new - shall) / 2, bit + 1
  end
end

-- A scratch bitmap of the nodes of `from` whose value is at least `units` (> 0), or false where none can be.
--
-- From the lowest bit that is set up to the highest plane, what is at least the bits so far is carried along: a 1 keeps
-- those that have the bit too, a 0 adds those that have it. No complement is taken: a plane may be shorter than others.
local function at_least(side, index, count, units, from)
  if planes_for(units) > count then
    return false
  end
  local low = 0
  while units % 2 == 0 do
    units, low = units / 2, low + 1
  end
  local prefix = K.plane .. side .. ':' .. index .. ':'
  local result = scratch()
  local bit, so_far = low, nil
  while bit < count do
    local digit = math.floor(units / 2 ^ (bit - low)) % 2
    local run = {so_far}
    repeat
      run[#run + 1] = prefix .. bit
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

-- The indices of one wanted amount: as a sum, as idle devices, or as a share of one device. Nodes may differ in which.
local function indices_of(resource, units)
  local indices = {{resource, units}}
  if units < UNIT then
    indices[2] = {resource .. '#share', units}
  elseif units % UNIT == 0 then
    indices[2] = {resource .. '#idle', units / UNIT}
  end
  return indices
end

-- A scratch bitmap of the nodes of `from` that satisfy every want, or false.
local function satisfying(side, from, wants)
  for _, want in ipairs(wants) do
    local indices = indices_of(want[1], want[2])
    local names = {}
    for i, index in ipairs(indices) do
      names[i] = index[1]
    end
    local counts = redis.call('HMGET', K.planes, unpack(names))
    local found = false
    for i, index in ipairs(indices) do
      local part = counts[i] and at_least(side, index[1], tonumber(counts[i]), index[2], from)
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

-- The largest value among the nodes of `from`.
local function largest(side, index, from)
  local count = tonumber(redis.call('HGET', K.planes, index) or 0)
  local value = 0
  for bit = count - 1, 0, -1 do
    local with = scratch()
    redis.call('BITOP', 'AND', with, from, K.plane .. side .. ':' .. index .. ':' .. bit)
    if redis.call('BITPOS', with, 1) >= 0 then
      from, value = with, value + 2 ^ bit
    end
  end
  return value
end
