-- The rank of the head of each shape, by scope: all that scheduling looks at. Where several heads of a shape start in one
-- script, the last is written, at its end or before somebody looks.
--
-- KEYS     heads
-- STATE    unsaved_heads  {}  shape -> {scope, rank as text}
-- @finally save

-- As a number, nil where nobody waits.
function Heads.rank(shape)
  local unsaved = Call.unsaved_heads[shape.text]
  return tonumber(unsaved and unsaved[2] or redis.call('ZSCORE', K.heads .. shape.scope, shape.text) or nil)
end

-- `rank` as text.
function Heads.put(shape, rank)
  Call.unsaved_heads[shape.text] = {shape.scope, rank}
end

function Heads.remove(shape)
  Call.unsaved_heads[shape.text] = nil
  redis.call('ZREM', K.heads .. shape.scope, shape.text)
end

function Heads.save()
  for text, head in pairs(Call.unsaved_heads) do
    redis.call('ZADD', K.heads .. head[1], head[2], text)
    Call.unsaved_heads[text] = nil
  end
end

-- Of a scope, from a place among them to another: {shape, rank, ...}
function Heads.among(scope, from, upto)
  Heads.save()
  return redis.call('ZRANGE', K.heads .. scope, from, upto, 'WITHSCORES')
end

function Heads.are_none(scope)
  Heads.save()
  return redis.call('EXISTS', K.heads .. scope) == 0
end
