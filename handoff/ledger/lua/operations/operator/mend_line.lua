-- Write anew of a line who its head is, wherever that stands, and the index of shapes.
--
-- KEYS     fronts  heads  need  notes  shape  shape_scope  shape_term  shape_terms  shapes
-- ARGV     text  str   a shape; '' = the index alone
-- RETURNS  {'mended'}
-- @include settle  nodes/dirty  nodes/fronts  nodes/judged  texts/number  texts/shape  waiting/notes  waiting/shape_index  waiting/shapes

-- What is called as no shape is, nobody can have asked for: who stands there is put right by himself.
local function drop_unreadable(text)
  redis.call('ZREM', K.shapes, text)
  redis.call('ZREM', K.fronts, text)
  redis.call('ZREM', K.heads, text)
  redis.call('HDEL', K.notes, text)
  Judged.drop(text)
  redis.call('DEL', K.shape .. text)
end

local function drop_index()
  for _, each in ipairs(redis.call('HKEYS', K.shape_terms)) do
    redis.call('DEL', K.shape_term .. each)
  end
  for _, each in ipairs(redis.call('ZRANGE', K.shapes, 0, -1)) do
    if Shape.is_sound(each) then
      redis.call('DEL', K.shape_scope .. Shape.read(each).scope)
      redis.call('ZADD', K.shapes, -1, each)
    else
      drop_unreadable(each)
    end
  end
  redis.call('DEL', K.shape_terms)
  ShapeIndex.drop()
end

-- Who stands in front of a line, wherever that is written.
local function mend(shape, head, rank)
  Judged.drop(text)
  for _, want in ipairs(shape.wants) do
    local key = K.need .. want[1] .. shape.scope
    if head then
      redis.call('ZADD', key, Number.text(want[2]), text)
    else
      redis.call('ZREM', key, text)
    end
  end
  if head then
    redis.call('ZADD', K.heads .. shape.scope, rank, text)
    redis.call('ZADD', K.shapes, -1, text)
    Fronts.put(text, rank)
    Notes.begin(shape, head)
    Dirty.turn_back(tonumber(rank))
  else
    redis.call('ZREM', K.heads .. shape.scope, text)
    redis.call('ZREM', K.shapes, text)
    redis.call('HDEL', K.notes, text)
    redis.call('ZREM', K.fronts, text)
  end
end

drop_index()
if text ~= '' and Shape.is_sound(text) then
  mend(Shape.read(text), unpack(redis.call('ZRANGE', K.shape .. text, 0, 0, 'WITHSCORES')))
elseif text ~= '' then
  drop_unreadable(text)
end
if redis.call('ZCARD', K.shapes) > Shapes.FEW then
  ShapeIndex.build()
end
Settle.go_on(16)
return {'mended'}
