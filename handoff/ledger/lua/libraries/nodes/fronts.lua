-- Heads of shapes, whatever their scope, in the order in which they may come to hold a node. Those that no open node could
-- hold stand behind all others until one opens.
--
-- KEYS     fronts
-- STATE    unsaved_fronts  {}  shape -> rank as text
-- @finally save
-- @include texts/number

-- Ranks are below 2^52.
local BEHIND = 2 ^ 52

-- `rank` as text.
function Fronts.put(shape_text, rank)
  Call.unsaved_fronts[shape_text] = rank
end

function Fronts.save()
  if not next(Call.unsaved_fronts) then
    return
  end
  local flat = {}
  for text, rank in pairs(Call.unsaved_fronts) do
    flat[#flat + 1], flat[#flat + 2] = rank, text
  end
  Call.unsaved_fronts = {}
  redis.call('ZADD', K.fronts, unpack(flat))
end

function Fronts.count()
  Fronts.save()
  return redis.call('ZCARD', K.fronts)
end

-- From a place among them to another.
function Fronts.among(from, upto)
  Fronts.save()
  return redis.call('ZRANGE', K.fronts, from, upto)
end

function Fronts.put_behind(shape_text, rank)
  Fronts.save()
  redis.call('ZADD', K.fronts, 'XX', Number.text(rank + BEHIND), shape_text)
end

function Fronts.remove(shape_text)
  Call.unsaved_fronts[shape_text] = nil
  redis.call('ZREM', K.fronts, shape_text)
end

function Fronts.recall()
  Fronts.save()
  for _, shape_text in ipairs(redis.call('ZRANGEBYSCORE', K.fronts, Number.text(BEHIND), '+inf')) do
    redis.call('ZINCRBY', K.fronts, Number.text(-BEHIND), shape_text)
  end
end
