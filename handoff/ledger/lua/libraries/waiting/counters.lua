-- Placements that overtook somebody, counted by what they used; and those that left without overtaking anybody.
--
-- `n:<family>` counts the placements that used it, or memory of it, and overtook somebody: how far those of what a head
-- lacks have grown since it became the head is how often it was overtaken. `n:slots` counts all of them, for every
-- function takes a slot. Of those, as many were in front of it as its place among all has moved up, less those that left
-- without overtaking anybody: `gone` counts them.
--
-- KEYS     overtaking
-- @include counting  texts/number  texts/resource

local GONE = 'gone'

local function field_of(family)
  return 'n:' .. family
end

-- One that waited has left, and overtook nobody.
function Counters.count_gone()
  Counting.add(K.overtaking, GONE, 1)
end

-- Count a placement of a shape. -> how many placements there were
function Counters.count(shape)
  local all
  for _, want in ipairs(shape.wants) do
    local count = Counting.add(K.overtaking, field_of(Resource.family(want[1])), 1)
    all = want[1] == Resource.SLOTS and count or all
  end
  return all or Counters.all()
end

-- How many placements there were.
function Counters.all()
  return Number.whole(redis.call('HGET', K.overtaking, field_of(Resource.SLOTS))) or 0
end

-- -> {count, ...} of these families, and how many are gone
function Counters.read(families)
  local fields = {}
  for i, family in ipairs(families) do
    fields[i] = field_of(family)
  end
  fields[#fields + 1] = GONE
  local counts = redis.call('HMGET', K.overtaking, unpack(fields))
  for i = 1, #fields do
    counts[i] = Number.whole(counts[i]) or 0
  end
  return counts, counts[#fields]
end

function Counters.forget(family)
  redis.call('HDEL', K.overtaking, field_of(family))
end
