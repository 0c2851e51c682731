-- Numbers by bit position, as one bitmap per bit: compared exactly, in a few BITOPs however many positions there are.
--
-- @include nodes/scratch

function Planes.count(value)
  local _, bits = math.frexp(value)
  return bits
end

-- Flip the bits in which `old` and `new` differ, in the planes whose keys begin with `column`.
function Planes.set(column, position, old, new)
  local bit = 0
  while old ~= new do
    local is, shall = old % 2, new % 2
    if is ~= shall then
      redis.call('SETBIT', column .. bit, position, shall)
    end
    old, new, bit = (old - is) / 2, (new - shall) / 2, bit + 1
  end
end

-- A scratch bitmap of those of `from` (nil: of all) whose value is at least `units` (> 0), or false where none can be.
--
-- From the lowest bit that is set up to the highest plane, what is at least the bits so far is carried along: a 1 keeps
-- those that have the bit too, a 0 adds those that have it. No complement is taken: a plane may be shorter than others.
function Planes.at_least(column, count, units, from)
  if Planes.count(units) > count then
    return false
  end
  local low = 0
  while units % 2 == 0 do
    units, low = units / 2, low + 1
  end
  local result = Scratch.key()
  local bit, so_far = low, nil
  while bit < count do
    local digit = units % 2
    local run = {so_far}
    repeat
      run[#run + 1] = column .. bit
      bit, units = bit + 1, (units - units % 2) / 2
    until bit == count or units % 2 ~= digit
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
function Planes.largest(column, count, from)
  local value = 0
  for bit = count - 1, 0, -1 do
    local with = Scratch.key()
    redis.call('BITOP', 'AND', with, from, column .. bit)
    if redis.call('BITPOS', with, 1) >= 0 then
      from, value = with, value + 2 ^ bit
    end
  end
  return value, from
end
