-- The rank of the head of each shape, by scope: all that scheduling looks at. Where several heads of a shape start in one
-- script, the last is written, at its end or before somebody looks.
--
-- KEYS     heads
-- STATE    head_ranks     {}  shape -> its rank as text, or false: those that were asked for, or put
--          unsaved_heads  {}  shape -> its scope
-- @finally save
-- @include rare

-- As a number, nil where nobody waits.
function Heads.rank(shape)
  local rank = Call.head_ranks[shape.text]
  if rank == nil then
    rank = redis.call('ZSCORE', K.heads .. shape.scope, shape.text)
    Call.head_ranks[shape.text] = rank
  end
  return rank and rank + 0 or nil
end

-- `rank` as text.
function Heads.put(shape, rank)
  Call.head_ranks[shape.text], Call.unsaved_heads[shape.text] = rank, shape.scope
end

function Heads.remove(shape)
  Call.head_ranks[shape.text], Call.unsaved_heads[shape.text] = false, nil
  redis.call('ZREM', K.heads .. shape.scope, shape.text)
end

function Heads.save()
  if not next(Call.unsaved_heads) then
    return
  end
  local ranks = {}
  for text, scope in pairs(Call.unsaved_heads) do
    local flat = ranks[scope] or {}
    flat[#flat + 1], flat[#flat + 2] = Call.head_ranks[text], text
    ranks[scope] = flat
  end
  Call.unsaved_heads = {}
  for scope, flat in pairs(ranks) do
    redis.call('ZADD', Rare.write(K.heads .. scope), unpack(flat))
  end
end

-- Of a scope, from a place among them to another: {shape, rank, ...}
function Heads.among(scope, from, upto)
  Heads.save()
  if Rare.is_absent(K.heads .. scope) then
    return {}
  end
  local heads = redis.call('ZRANGE', K.heads .. scope, from, upto, 'WITHSCORES')
  for i = 1, #heads, 2 do
    Call.head_ranks[heads[i]] = heads[i + 1]
  end
  return heads
end

function Heads.are_none(scope)
  Heads.save()
  return redis.call('EXISTS', K.heads .. scope) == 0
end
