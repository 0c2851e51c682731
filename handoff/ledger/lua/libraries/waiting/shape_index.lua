-- The index of shapes where they are many: every shape has a bit position, and there are bit planes over them, a bitmap
-- for every scope and one for every constraint. It is built when shapes become many, and dropped when none waits any more.
--
-- KEYS     shape_bits  shape_scope  shape_term  shape_terms  shapes
-- @include counting  nodes/heads  texts/shape  texts/terms  waiting/shape_columns

-- All terms but the pin, which is the scope.
local function indexed_terms(shape)
  local terms = {}
  for _, term in ipairs(shape.terms) do
    if shape.pin == '' or Terms.pinned_by(term) ~= shape.pin then
      terms[#terms + 1] = term
    end
  end
  return terms
end

-- nil where it has none.
local function position_of(shape)
  local position = tonumber(redis.call('ZSCORE', K.shapes, shape.text) or nil)
  return position and position > 0 and position or nil
end

function ShapeIndex.move(shape, was, is)
  local position = position_of(shape)
  if position then
    ShapeColumns.set_rank(position, was, is)
  end
end

function ShapeIndex.add(shape, rank)
  local position = redis.call('BITPOS', K.shape_bits, 0)
  redis.call('SETBIT', K.shape_bits, position, 1)
  redis.call('ZADD', K.shapes, position, shape.text)
  redis.call('SETBIT', K.shape_scope .. shape.scope, position, 1)
  for _, want in ipairs(shape.wants) do
    ShapeColumns.set(want, position, 0, want[2])
  end
  for _, term in ipairs(indexed_terms(shape)) do
    redis.call('SETBIT', K.shape_term .. term.text, position, 1)
    Counting.add(K.shape_terms, term.text, 1)
  end
  ShapeColumns.set_rank(position, false, rank)
end

function ShapeIndex.remove(shape, rank)
  local position = position_of(shape)
  if not position then
    return
  end
  redis.call('SETBIT', K.shape_bits, position, 0)
  redis.call('SETBIT', K.shape_scope .. shape.scope, position, 0)
  if Heads.are_none(shape.scope) then
    redis.call('DEL', K.shape_scope .. shape.scope)
  end
  for _, want in ipairs(shape.wants) do
    ShapeColumns.set(want, position, want[2], 0)
  end
  for _, term in ipairs(indexed_terms(shape)) do
    redis.call('SETBIT', K.shape_term .. term.text, position, 0)
    if Counting.add(K.shape_terms, term.text, -1) <= 0 then
      redis.call('HDEL', K.shape_terms, term.text)
      redis.call('DEL', K.shape_term .. term.text)
    end
  end
  ShapeColumns.set_rank(position, rank, false)
end

function ShapeIndex.build()
  -- Position 0 is nobody's: it says that the index is there.
  redis.call('SETBIT', K.shape_bits, 0, 1)
  for _, text in ipairs(redis.call('ZRANGE', K.shapes, 0, -1)) do
    local shape = Shape.read(text)
    ShapeIndex.add(shape, Heads.rank(shape))
  end
end

function ShapeIndex.drop()
  ShapeColumns.drop()
  redis.call('DEL', K.shape_bits)
end
