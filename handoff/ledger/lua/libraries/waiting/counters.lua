-- Placements that overtook somebody, counted by what they used; and those that left without overtaking anybody.
--
-- `n:<family>` counts the placements that used it, or memory of it, and overtook somebody: how far those of what a head
-- lacks have grown since it became the head is how often it was overtaken. `n:slots` counts all of them, for every
-- function takes a slot. Of those, as many were in front of it as its place among all has moved up, less those that left
-- without overtaking anybody: `gone` counts them.
--
-- KEYS     overtaking
-- STATE    counted   {}  field -> what is not yet added to it
--          gone_now  0   those that have left in this script without overtaking anybody
-- @finally save
-- @include counting  texts/number  texts/resource

local GONE = 'gone'

local function field_of(family)
  return 'n:' .. family
end

local function add(field)
  Call.counted[field] = (Call.counted[field] or 0) + 1
end

function Counters.save()
  for field, by in pairs(Call.counted) do
    Counting.add(K.overtaking, field, by)
    Call.counted[field] = nil
  end
end

-- One that waited has left, and overtook nobody.
function Counters.count_gone()
  Call.gone_now = Call.gone_now + 1
  add(GONE)
end

-- How many of those this script has counted.
function Counters.gone_now()
  return Call.gone_now
end

-- Count a placement of a shape. -> how many placements there were
function Counters.count(shape)
  for _, want in ipairs(shape.wants) do
    add(field_of(Resource.family(want[1])))
  end
  return Counters.all()
end

-- How many placements there were.
function Counters.all()
  return Counters.read({Resource.SLOTS})[1]
end

-- -> {count, ...} of these families, and how many are gone
function Counters.read(families)
  local fields = {}
  for i, family in ipairs(families) do
    fields[i] = field_of(family)
  end
  fields[#fields + 1] = GONE
  local counts = redis.call('HMGET', K.overtaking, unpack(fields))
  for i, field in ipairs(fields) do
    counts[i] = (Number.whole(counts[i]) or 0) + (Call.counted[field] or 0)
  end
  return counts, counts[#fields]
end

function Counters.forget(family)
  Call.counted[field_of(family)] = nil
  redis.call('HDEL', K.overtaking, field_of(family))
end
