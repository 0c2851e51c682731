-- The shapes that wait. Where few do, their heads are looked at one by one; where many, by an index (waiting/shape_index).
-- A *keeper* is a node, or what all share.
--
-- KEYS     shape_bits  shapes
-- STATE    is_indexed  nil  whether there is an index, once that was asked
-- @include nodes/fit  nodes/heads  nodes/scratch  nodes/shared  texts/shape  waiting/shape_index  waiting/shape_search
-- @include rare

-- So many are few: beyond some sixty the index takes less time.
Shapes.FEW = 32

local function is_indexed()
  if Call.is_indexed == nil then
    Call.is_indexed = Rare.exists(K.shape_bits)
  end
  return Call.is_indexed
end

-- A shape that begins to wait, with the rank of its head.
function Shapes.add(shape, rank)
  redis.call('ZADD', K.shapes, -1, shape.text)
  if is_indexed() then
    ShapeIndex.add(shape, rank)
  elseif redis.call('ZCARD', K.shapes) > Shapes.FEW then
    ShapeIndex.build()
    Call.is_indexed = true
  end
end

function Shapes.move_head(shape, was, is)
  if is_indexed() then
    ShapeIndex.move(shape, was, is)
  end
end

function Shapes.remove(shape, rank)
  if is_indexed() then
    ShapeIndex.remove(shape, rank)
  end
  redis.call('ZREM', K.shapes, shape.text)
  if is_indexed() and redis.call('EXISTS', K.shapes) == 0 then
    ShapeIndex.drop()
    Call.is_indexed = false
  end
end

-- The shapes that a keeper is for, with the ranks of their heads: {text, rank, ...}.
local function heads_of(keeper)
  if keeper.name ~= Shared.NAME then
    local heads = Heads.among('', 0, -1)
    for _, each in ipairs(Heads.among(Shape.scope_of(keeper.name), 0, -1)) do
      heads[#heads + 1] = each
    end
    return heads
  end
  local heads = {}
  for _, text in ipairs(redis.call('ZRANGE', K.shapes, 0, -1)) do
    local shape = Shape.read(text)
    for _, want in ipairs(shape.wants) do
      if keeper.cap[want[1]] and want[2] > (keeper.tried[want[1]] or 0) then
        heads[#heads + 1], heads[#heads + 2] = text, Heads.rank(shape)
        break
      end
    end
  end
  return heads
end

local function could_start(keeper, shape, rank)
  if keeper.name == Shared.NAME then
    return Fit.tokens(shape, rank)
  end
  return Fit.now(keeper, shape, rank)
end

local function best_of_few(keeper, after)
  local heads, best, best_rank = heads_of(keeper), nil, nil
  for i = 1, #heads, 2 do
    local rank = tonumber(heads[i + 1] or nil)
    if rank and rank > (after or -1) and rank < (best_rank or math.huge) and could_start(keeper, Shape.read(heads[i]), rank) then
      best, best_rank = heads[i], rank
    end
  end
  return best, best_rank
end

-- The shape of best rank that fits the keeper (of the shared tokens: that they suffice for), and the rank of its head; nil
-- where there is none. Only those of a rank behind `after` count, if given.
function Shapes.best(keeper, after)
  if not is_indexed() then
    return best_of_few(keeper, after)
  end
  local found, rank = ShapeSearch.best(keeper, after, true)
  if found and not could_start(keeper, Shape.read(found), rank) then
    found, rank = ShapeSearch.best(keeper, after, false)
  end
  Scratch.drop()
  if found and not could_start(keeper, Shape.read(found), rank) then
    -- A part of the index is gone: the heads are looked at instead.
    return best_of_few(keeper, after)
  end
  return found, rank
end
