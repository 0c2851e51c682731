-- Finding a node for a shape, and saying why there is none.
--
-- KEYS     live  open  heads  shape  holds  able
-- @include lib/nearest
-- @include lib/first_available

-- The node that the strategy chooses among those that fit now, or nil. `base` restricts the choice to a bitmap
-- (default: all open nodes). `grown` is a node whose room has just grown: the next of a chain mostly goes there.
local function find_node(shape, rank, choose, base, grown)
  if shape.pin ~= '' then
    local node = load_node(shape.pin)
    return node and fits(node, shape, rank) and node or nil
  end
  if not tokens_fit(shape, rank) then
    return nil
  end
  if grown and choose == first_available and first_of(K.open) == grown.position and fits(grown, shape, rank) then
    return grown
  end
  local bitmap = satisfying('free', allowing(shape.terms, base or K.open), wants_of_node(shape))
  local found = bitmap and each_of(bitmap, choose, function(node)
    return not holds_back(node, shape, rank)
  end)
  drop_scratch()
  if found and not fits(found, shape, rank) then
    error('the index says that ' .. found.name .. ' fits and its books say that it does not')
  end
  return found
end

-- A shape that waits already fits nowhere; but what holds back its head need not hold back who comes before it, and room
-- that has grown in this script was not yet offered to either.
local function may_fit(shape, rank, grown)
  if redis.call('EXISTS', K.shape .. shape.text) == 0 then
    return true
  end
  return (grown or redis.call('EXISTS', K.holds) == 1)
    and tonumber(redis.call('ZSCORE', K.heads .. shape.scope, shape.text)) > rank
end

-- How many live nodes could hold any of a demand's shapes when idle. Of a shape that waits the answer is kept until a
-- node comes, goes or changes: every function that joins it is told.
local function count_able(demand)
  local only = #demand == 1 and demand[1].shape
  local known = only and redis.call('HGET', K.able, only)
  if known then
    return tonumber(known)
  end
  local all
  for _, variant in ipairs(demand) do
    local shape, enough = shape_of(variant.shape), true
    local shared = load_shared()
    for _, want in ipairs(shape.wants) do
      enough = enough and (shared.cap[want[1]] or want[2]) >= want[2]
    end
    local able = enough and satisfying('cap', allowing(shape.terms, K.live), wants_of_node(shape))
    if able and all then
      redis.call('BITOP', 'OR', all, all, able)
    elseif able then
      all = scratch()
      redis.call('BITOP', 'OR', all, able, able)
    end
  end
  local count = all and redis.call('BITCOUNT', all) or 0
  drop_scratch()
  if only and redis.call('EXISTS', K.shape .. only) == 1 then
    redis.call('HSET', K.able, only, count)
  end
  return count
end

-- -> how many live nodes could hold it, and if none, the nearest
local function judge(demand)
  local count = count_able(demand)
  return count, count == 0 and nearest_able(demand) or ''
end
