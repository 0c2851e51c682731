-- The bit-sliced index: which nodes have at least so much, exactly, in a few BITOPs however many nodes there are.
--
-- Every node has a bit position. The free amount (side `free`) and the capacity (side `cap`) of every index
-- (texts/index_name) are kept as bit planes over all nodes and compared plane by plane: O'Neil and Quass, "Improved query
-- performance with variant indexes", SIGMOD 1997. Runs of equal bits cost one BITOP, so 1 cpu (10011100010000b) takes six,
-- whatever the nodes.
--
-- KEYS     plane  planes
-- STATE    free_values  {}  position -> what of it is not yet in the planes
-- @include nodes/planes  texts/index_name  texts/number

local function column(side, index)
  return K.plane .. side .. ':' .. index .. ':'
end

-- Amounts are below 2^53.
local MOST_PLANES = 64

-- How many planes an index has, as the hash says.
local function planes_in(count)
  return Number.whole(count, 0, MOST_PLANES) or 0
end

-- Free amounts reach their planes when these are looked at next, or when the script ends.
function Index.put_free(position, was, is)
  local known = Call.free_values[position]
  if known then
    known.is = is
  else
    Call.free_values[position] = {was = was, is = is}
  end
end

local function set(side, position, was, is)
  for index, value in pairs(is) do
    if was[index] ~= value then
      Planes.set(column(side, index), position, was[index] or 0, value)
    end
  end
  for index, value in pairs(was) do
    if not is[index] then
      Planes.set(column(side, index), position, value, 0)
    end
  end
end

function Index.save()
  if not next(Call.free_values) then
    return
  end
  for position, values in pairs(Call.free_values) do
    set('free', position, values.was, values.is)
  end
  Call.free_values = {}
end

-- Make room for values as large as these.
function Index.widen(values)
  for index, value in pairs(values) do
    local planes = Planes.count(value)
    if planes > planes_in(redis.call('HGET', K.planes, index)) then
      redis.call('HSET', K.planes, index, planes)
    end
  end
end

function Index.set_capacity(position, was, is)
  Index.widen(is)
  set('cap', position, was, is)
end

-- Of the capacities of a node that is gone, drop the planes in which no other has a bit.
function Index.narrow(capacity)
  for index in pairs(capacity) do
    local is_had = false
    for bit = 0, planes_in(redis.call('HGET', K.planes, index)) - 1 do
      for _, side in ipairs({'free', 'cap'}) do
        local plane = column(side, index) .. bit
        if redis.call('BITCOUNT', plane) == 0 then
          redis.call('DEL', plane)
        elseif side == 'cap' then
          is_had = true
        end
      end
    end
    -- Who has it may come to have it free, for which the number of planes must stand.
    if not is_had then
      redis.call('HDEL', K.planes, index)
    end
  end
end

-- All of it, when no node is left.
function Index.drop()
  local flat = redis.call('HGETALL', K.planes)
  for i = 1, #flat, 2 do
    for bit = 0, planes_in(flat[i + 1]) - 1 do
      redis.call('DEL', column('free', flat[i]) .. bit, column('cap', flat[i]) .. bit)
    end
  end
  redis.call('DEL', K.planes)
end

-- What it says of one position, whatever that is.
function Index.wipe(position)
  Call.free_values[position] = nil
  local flat = redis.call('HGETALL', K.planes)
  for i = 1, #flat, 2 do
    for bit = 0, planes_in(flat[i + 1]) - 1 do
      redis.call('SETBIT', column('free', flat[i]) .. bit, position, 0)
      redis.call('SETBIT', column('cap', flat[i]) .. bit, position, 0)
    end
  end
end

-- The largest value of an index among the nodes of `from`, and a bitmap of those that have it.
function Index.largest(side, index, from)
  Index.save()
  return Planes.largest(column(side, index), planes_in(redis.call('HGET', K.planes, index)), from)
end

-- A scratch bitmap of the nodes of `from` that satisfy every want, or false.
function Index.satisfying(side, from, wants)
  Index.save()
  for _, want in ipairs(wants) do
    local indices = want.indices or IndexName.wanted(want[1], want[2])
    local names = {}
    for i, index in ipairs(indices) do
      names[i] = index[1]
    end
    local counts = redis.call('HMGET', K.planes, unpack(names))
    local found = false
    for i, index in ipairs(indices) do
      local part = counts[i] and Planes.at_least(column(side, index[1]), planes_in(counts[i]), index[2], from)
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
