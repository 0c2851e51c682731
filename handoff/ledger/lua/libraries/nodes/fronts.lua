-- Heads of shapes, whatever their scope, in the order in which they may come to hold a node. Those that no open node could
-- hold stand behind all others until one opens.
--
-- KEYS     fronts
-- @include texts/number

-- Ranks are below 2^52.
local BEHIND = 2 ^ 52

-- `rank` as text.
function Fronts.put(shape_text, rank)
  redis.call('ZADD', K.fronts, rank, shape_text)
end

function Fronts.put_behind(shape_text, rank)
  redis.call('ZADD', K.fronts, 'XX', Number.text(rank + BEHIND), shape_text)
end

function Fronts.remove(shape_text)
  redis.call('ZREM', K.fronts, shape_text)
end

function Fronts.recall()
  for _, shape_text in ipairs(redis.call('ZRANGEBYSCORE', K.fronts, Number.text(BEHIND), '+inf')) do
    redis.call('ZINCRBY', K.fronts, Number.text(-BEHIND), shape_text)
  end
end
