-- The index of shapes: of thousands that wait, the one of best rank that fits a node, exactly, in some hundred BITOPs.
--
-- Where few shapes wait their heads are looked at one by one. With more than that, every shape has a bit position (its
-- spot), and there are bit planes over the spots: for each resource how much the shape needs, and how far the rank of
-- its head is in front; and a bitmap for every scope and every constraint. It is built when shapes become many, and
-- dropped when none waits any more.
--
-- KEYS     shapes  spots  heads
-- @include lib/spot_index

local FEW = 8
local is_built = nil

local function has_spots()
  if is_built == nil then
    is_built = redis.call('EXISTS', K.spots) == 1
  end
  return is_built
end

-- A shape that begins to wait, with the rank of its head.
local function add_shape(shape, rank)
  redis.call('ZADD', K.shapes, -1, shape.text)
  if has_spots() then
    give_spot(shape, rank)
  elseif redis.call('ZCARD', K.shapes) > FEW then
    build_spots()
    is_built = true
  end
end

local function move_head(shape, was, is)
  if has_spots() then
    move_spot(shape, was, is)
  end
end

local function remove_shape(shape, rank)
  if has_spots() then
    take_spot(shape, rank)
  end
  redis.call('ZREM', K.shapes, shape.text)
  if has_spots() and redis.call('EXISTS', K.shapes) == 0 then
    drop_spots()
    is_built = false
  end
end

local function heads_of(keeper)
  if keeper.name ~= SHARED then
    local heads = redis.call('ZRANGE', K.heads, 0, -1, 'WITHSCORES')
    local pinned = redis.call('ZRANGE', K.heads .. '@' .. keeper.name, 0, -1, 'WITHSCORES')
    for i = 1, #pinned do
      heads[#heads + 1] = pinned[i]
    end
    return heads
  end
  local heads = {}
  for _, text_ in ipairs(redis.call('ZRANGE', K.shapes, 0, -1)) do
    local shape = shape_of(text_)
    for _, want in ipairs(shape.wants) do
      if keeper.cap[want[1]] and want[2] > (keeper.tried[want[1]] or 0) then
        heads[#heads + 1], heads[#heads + 2] = text_, redis.call('ZSCORE', K.heads .. shape.scope, text_)
        break
      end
    end
  end
  return heads
end

local function could_start(keeper, shape, rank)
  if keeper.name == SHARED then
    return tokens_fit(shape, rank)
  end
  return fits(keeper, shape, rank)
end

local function best_of_few(keeper, after)
  local heads, best, best_rank = heads_of(keeper), nil, nil
  for i = 1, #heads, 2 do
    local rank = tonumber(heads[i + 1])
    if rank > (after or -1) and rank < (best_rank or math.huge) and could_start(keeper, shape_of(heads[i]), rank) then
      best, best_rank = heads[i], rank
    end
  end
  return best, best_rank
end

-- The waiting shape of best rank that fits the node (of the shared tokens: that they suffice for), and the rank of its
-- head; nil where there is none. Only those of a rank behind `after` count, if given.
local function best_shape(keeper, after)
  if not has_spots() then
    return best_of_few(keeper, after)
  end
  local found, rank = best_of_many(keeper, after, true)
  if found and not could_start(keeper, shape_of(found), rank) then
    found, rank = best_of_many(keeper, after, false)
  end
  drop_scratch()
  if found and not could_start(keeper, shape_of(found), rank) then
    error('the index says that ' .. found .. ' fits ' .. keeper.name .. ' and the books say that it does not')
  end
  return found, rank
end
