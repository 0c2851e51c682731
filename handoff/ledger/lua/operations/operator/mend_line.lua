-- Write anew of a line who its head is, wherever that stands, and the index of shapes.
--
-- KEYS     able  fronts  heads  need  notes  shape  shape_scope  shape_term  shape_terms  shapes
-- ARGV     text  str   a shape
-- RETURNS  {'mended'}
--          {'unreadable'}  it is no shape
-- @include settle  nodes/dirty  nodes/fronts  texts/number  texts/shape  waiting/notes  waiting/shape_index  waiting/shapes

local function drop_index()
  for _, each in ipairs(redis.call('HKEYS', K.shape_terms)) do
    redis.call('DEL', K.shape_term .. each)
  end
  for _, each in ipairs(redis.call('ZRANGE', K.shapes, 0, -1)) do
    redis.call('DEL', K.shape_scope .. Shape.read(each).scope)
    redis.call('ZADD', K.shapes, -1, each)
  end
  redis.call('DEL', K.shape_terms)
  ShapeIndex.drop()
end

if not Shape.is_sound(text) then
  return {'unreadable'}
end
local shape = Shape.read(text)
local head = redis.call('ZRANGE', K.shape .. text, 0, 0, 'WITHSCORES')
drop_index()
redis.call('HDEL', K.able, text)
for _, want in ipairs(shape.wants) do
  local key = K.need .. want[1] .. shape.scope
  if head[1] then
    redis.call('ZADD', key, Number.text(want[2]), text)
  else
    redis.call('ZREM', key, text)
  end
end
if head[1] then
  redis.call('ZADD', K.heads .. shape.scope, head[2], text)
  redis.call('ZADD', K.shapes, -1, text)
  Fronts.put(text, head[2])
  Notes.begin(shape, head[1])
  Dirty.turn_back(tonumber(head[2]))
else
  redis.call('ZREM', K.heads .. shape.scope, text)
  redis.call('ZREM', K.shapes, text)
  redis.call('HDEL', K.notes, text)
  redis.call('ZREM', K.fronts, text)
end
if redis.call('ZCARD', K.shapes) > Shapes.FEW then
  ShapeIndex.build()
end
Settle.go_on(16)
return {'mended'}
