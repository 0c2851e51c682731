-- The best in the index of shapes: of thousands that wait, the one of best rank that fits a node, exactly, in some
-- hundred BITOPs. A *keeper* is a node, or what all share.
--
-- KEYS     shape_scope  shape_term  shape_terms  shapes
-- @include nodes/constraints  nodes/heads  nodes/holds  nodes/planes  nodes/scratch  nodes/shared  nodes/values  texts/resource
-- @include texts/shape  texts/terms  waiting/shape_columns

-- The shapes that a keeper is for.
local function shapes_of(keeper)
  local from = Scratch.key()
  if keeper.name ~= Shared.NAME then
    redis.call('BITOP', 'OR', from, K.shape_scope, K.shape_scope .. Shape.scope_of(keeper.name))
    return from
  end
  -- Whoever needs no more of any token than was there before was tried with it.
  local newly = {}
  for resource in pairs(keeper.cap) do
    for _, column in ipairs(ShapeColumns.of(resource)) do
      newly[#newly + 1] = Planes.at_least(column.planes, column.count, (keeper.tried[resource] or 0) + 1) or nil
    end
  end
  if #newly > 0 then
    redis.call('BITOP', 'OR', from, unpack(newly))
  end
  return from
end

-- So many of the highest planes of a resource tell most of what does not fit.
local COARSE_PLANES = 11

-- The shapes that need more than is free. -> {bitmap, ...}
local function too_large(keeper, is_coarse)
  local shared, found = Shared.load(), {}
  for _, column in ipairs(ShapeColumns.all()) do
    local is_token = shared.cap[column.resource] ~= nil
    if is_token or keeper.name ~= Shared.NAME then
      local free = (is_token and shared or keeper).free
      local step = is_coarse and 2 ^ math.max(0, column.count - COARSE_PLANES) or 1
      local most = column.is_sum and (free[column.resource] or 0) or Values.most(free, column.resource)
      found[#found + 1] = Planes.at_least(column.planes, column.count, (math.floor(most / step) + 1) * step) or nil
    end
  end
  return found
end

-- The shapes that a constraint keeps away from a node. -> {bitmap, ...}
local function not_allowed(node)
  local found = {}
  node.refuses = node.refuses or {}
  for _, text in ipairs(redis.call('HKEYS', K.shape_terms)) do
    if node.refuses[text] == nil then
      node.refuses[text] = not Constraints.allow(node, {Terms.read_one(text)})
    end
    if node.refuses[text] then
      found[#found + 1] = K.shape_term .. text
    end
  end
  return found
end

-- Of `from` those without any of these bitmaps.
local function without_all(from, bitmaps)
  -- Lua unpacks at most 8,000 values.
  for first = 1, #bitmaps, 1000 do
    local any = Scratch.key()
    redis.call('BITOP', 'OR', any, unpack(bitmaps, first, math.min(first + 999, #bitmaps)))
    from = Scratch.without(from, any)
  end
  return from
end

-- The heads that a keeper sees differ in their lowest planes only, for priorities are few and orders near each other.
-- -> how many, and the value of those above, in which all are equal
local function differing_planes(keeper)
  local low, high
  for _, scope in ipairs(keeper.name ~= Shared.NAME and {'', Shape.scope_of(keeper.name)} or {}) do
    local first = Heads.among(scope, 0, 0)[2]
    if first then
      local last = Heads.among(scope, -1, -1)[2]
      high = math.max(high or 0, ShapeColumns.RANKS - tonumber(first))
      low = math.min(low or ShapeColumns.RANKS, ShapeColumns.RANKS - tonumber(last))
    end
  end
  if not high then
    return ShapeColumns.RANK_PLANES, 0
  end
  local planes = 0
  while low ~= high do
    low, high, planes = math.floor(low / 2), math.floor(high / 2), planes + 1
  end
  return planes, low
end

-- Of `from`, those of the rank and in front of it; false where none can be.
local function in_front_of(from, rank, planes, common)
  local high = math.floor((ShapeColumns.RANKS - rank) / 2 ^ planes)
  local low = ShapeColumns.RANKS - rank - high * 2 ^ planes
  if high > common then
    return false
  end
  return (high < common or low == 0) and from or Planes.at_least(ShapeColumns.of_ranks(), planes, low, from)
end

-- Of `from`, those that a hold leaves nothing for: behind the holder, and using what it lacks.
local function barred_by(hold, from, planes, common)
  local lacks, uses = {}, {}
  for _, family in ipairs(hold.families) do
    lacks[family] = true
  end
  for _, column in ipairs(ShapeColumns.all()) do
    for bit = 0, lacks[Resource.family(column.resource)] and column.count - 1 or -1 do
      uses[#uses + 1] = column.planes .. bit
    end
  end
  local found = Scratch.key()
  if #uses > 0 then
    redis.call('BITOP', 'OR', found, unpack(uses))
    redis.call('BITOP', 'AND', found, found, from)
  end
  local in_front = in_front_of(found, hold.rank, planes, common)
  return in_front and Scratch.without(found, in_front) or found
end

-- The one of `from`, which is not empty, whose head has the best rank.
--
-- Of many, some are likely to have the bits of several planes at once; where none has, fewer are tried. The last few are
-- told apart plane by plane until one is left.
local function first_by_rank(from, planes)
  local at_once = 4
  while planes > 0 and (at_once > 1 or redis.call('BITCOUNT', from) > 1) do
    local count, with, run = math.min(at_once, planes), Scratch.key(), {from}
    for bit = planes - 1, planes - count, -1 do
      run[#run + 1] = ShapeColumns.of_ranks() .. bit
    end
    redis.call('BITOP', 'AND', with, unpack(run))
    if Scratch.first(with) >= 0 then
      from, planes = with, planes - count
    elseif count > 1 then
      at_once = math.floor(count / 2)
    else
      planes = planes - 1
    end
  end
  return Scratch.first(from)
end

-- The shape of best rank that fits the keeper, and that rank; nil where there is none. Only those of a rank behind `after`
-- count, if given. Coarsely, by the highest planes alone: some that need a little too much count as fitting.
function ShapeSearch.best(keeper, after, is_coarse)
  local shared = Shared.load()
  local from = without_all(shapes_of(keeper), too_large(keeper, is_coarse))
  from = keeper == shared and from or without_all(from, not_allowed(keeper))
  if Scratch.first(from) < 0 then
    return nil
  end
  local planes, common = differing_planes(keeper)
  local holds = {Holds.on(shared)}
  holds[#holds + 1] = keeper ~= shared and Holds.on(keeper) or nil
  for _, hold in ipairs(holds) do
    from = Scratch.without(from, barred_by(hold, from, planes, common))
  end
  if after then
    local in_front = in_front_of(from, after, planes, common)
    from = in_front and Scratch.without(from, in_front) or from
  end
  if (#holds > 0 or after) and Scratch.first(from) < 0 then
    return nil
  end
  local position = first_by_rank(from, planes)
  local text = redis.call('ZRANGEBYSCORE', K.shapes, position, position)[1]
  local rank = text and Heads.rank(Shape.read(text))
  return rank and text, rank
end
