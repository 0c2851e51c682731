-- The index of shapes where they are many: bit planes over spots (see lib/spots), and finding the best in them.
--
-- KEYS     shapes  spots  spot_scope  spot_planes  spot_plane  spot_terms  spot_term  heads
-- @lazy
-- @include lib/node

-- Ranks are below 2^52. Planes hold the distance to it, so that the best rank is the largest value.
local RANKS, RANK_PLANES = 2 ^ 52, 52
local RANK = '*rank'

local function spot_column(name)
  return K.spot_plane .. name .. ':'
end

-- All terms but the pin, which is the scope.
local function indexed_terms(shape)
  local terms = {}
  for _, term in ipairs(shape.terms) do
    if shape.pin == '' or term.name ~= 'node' or term.negated or #term.values > 1 or term.values[1] ~= shape.pin then
      terms[#terms + 1] = term
    end
  end
  return terms
end

-- More than one device and no whole number is met by sums only, never by devices.
local function column_name(want)
  return want[2] > UNIT and want[2] % UNIT ~= 0 and want[1] .. '#sum' or want[1]
end

local function spot_of(shape)
  return tonumber(redis.call('ZSCORE', K.shapes, shape.text))
end

-- `was` and `is` are the ranks of the shape's head, false = it has none.
local function set_head_spot(position, was, is)
  set_value(spot_column(RANK), position, was and RANKS - was or 0, is and RANKS - is or 0)
end

local function move_spot(shape, was, is)
  set_head_spot(spot_of(shape), was, is)
end

local function give_spot(shape, rank)
  local position = redis.call('BITPOS', K.spots, 0)
  redis.call('SETBIT', K.spots, position, 1)
  redis.call('ZADD', K.shapes, position, shape.text)
  redis.call('SETBIT', K.spot_scope .. shape.scope, position, 1)
  for _, want in ipairs(shape.wants) do
    local planes, name = planes_for(want[2]), column_name(want)
    if planes > tonumber(redis.call('HGET', K.spot_planes, name) or 0) then
      redis.call('HSET', K.spot_planes, name, planes)
    end
    set_value(spot_column(name), position, 0, want[2])
  end
  for _, term in ipairs(indexed_terms(shape)) do
    redis.call('SETBIT', K.spot_term .. term.text, position, 1)
    redis.call('HINCRBY', K.spot_terms, term.text, 1)
  end
  set_head_spot(position, false, rank)
end

local function take_spot(shape, rank)
  local position = spot_of(shape)
  redis.call('SETBIT', K.spots, position, 0)
  redis.call('SETBIT', K.spot_scope .. shape.scope, position, 0)
  if redis.call('EXISTS', K.heads .. shape.scope) == 0 then
    redis.call('DEL', K.spot_scope .. shape.scope)
  end
  for _, want in ipairs(shape.wants) do
    set_value(spot_column(column_name(want)), position, want[2], 0)
  end
  for _, term in ipairs(indexed_terms(shape)) do
    redis.call('SETBIT', K.spot_term .. term.text, position, 0)
    if redis.call('HINCRBY', K.spot_terms, term.text, -1) == 0 then
      redis.call('HDEL', K.spot_terms, term.text)
      redis.call('DEL', K.spot_term .. term.text)
    end
  end
  set_head_spot(position, rank, false)
end

local function build_spots()
  -- Spot 0 is nobody's: it says that the index is there.
  redis.call('SETBIT', K.spots, 0, 1)
  for _, text_ in ipairs(redis.call('ZRANGE', K.shapes, 0, -1)) do
    local shape = shape_of(text_)
    give_spot(shape, tonumber(redis.call('ZSCORE', K.heads .. shape.scope, text_)))
  end
end

local function drop_spots()
  local flat = redis.call('HGETALL', K.spot_planes)
  flat[#flat + 1], flat[#flat + 2] = RANK, RANK_PLANES
  for i = 1, #flat, 2 do
    local keys = {}
    for bit = 0, tonumber(flat[i + 1]) - 1 do
      keys[bit + 1] = spot_column(flat[i]) .. bit
    end
    redis.call('DEL', unpack(keys))
  end
  redis.call('DEL', K.spots, K.spot_planes)
end

local function spots_of(keeper)
  if keeper.name ~= SHARED then
    local from = scratch()
    redis.call('BITOP', 'OR', from, K.spot_scope, K.spot_scope .. '@' .. keeper.name)
    return from
  end
  -- Whoever needs no more of any token than was there before was tried with it.
  local newly = {}
  for resource in pairs(keeper.cap) do
    for _, name in ipairs({resource, resource .. '#sum'}) do
      local planes = tonumber(redis.call('HGET', K.spot_planes, name) or 0)
      newly[#newly + 1] = at_least(spot_column(name), planes, (keeper.tried[resource] or 0) + 1) or nil
    end
  end
  local from = scratch()
  if #newly > 0 then
    redis.call('BITOP', 'OR', from, unpack(newly))
  end
  return from
end

-- So many of the highest planes of a resource tell most of what does not fit.
local COARSE_PLANES = 11

-- The spots that need more than is free, or that a constraint keeps away. -> {bitmap, ...}
--
-- Coarsely, by the highest planes alone: some that need a little too much are not among them.
local function unfit_spots(keeper, is_coarse)
  local shared, unfit = load_shared(), {}
  local flat = redis.call('HGETALL', K.spot_planes)
  for i = 1, #flat, 2 do
    local mark = string.find(flat[i], '#', 1, true)
    local resource = mark and string.sub(flat[i], 1, mark - 1) or flat[i]
    local at = shared.cap[resource] and shared or keeper
    if shared.cap[resource] or keeper.name ~= SHARED then
      local planes = tonumber(flat[i + 1])
      local step = is_coarse and 2 ^ math.max(0, planes - COARSE_PLANES) or 1
      local most = mark and (at.free[resource] or 0) or most_of(at.free, resource)
      local more = at_least(spot_column(flat[i]), planes, (math.floor(most / step) + 1) * step)
      if more then
        unfit[#unfit + 1] = more
      end
    end
  end
  if keeper.name ~= SHARED then
    keeper.barred = keeper.barred or {}
    for _, text_ in ipairs(redis.call('HKEYS', K.spot_terms)) do
      if keeper.barred[text_] == nil then
        keeper.barred[text_] = not allows(keeper, {parse_term(text_)})
      end
      if keeper.barred[text_] then
        unfit[#unfit + 1] = K.spot_term .. text_
      end
    end
  end
  return unfit
end

-- The heads that a keeper sees differ in their lowest planes only, for priorities are few and orders near each other.
-- -> how many, and the value of those above, in which all are equal
local function differing_planes(keeper)
  local low, high
  for _, scope in ipairs(keeper.name ~= SHARED and {'', '@' .. keeper.name} or {}) do
    local first = redis.call('ZRANGE', K.heads .. scope, 0, 0, 'WITHSCORES')[2]
    if first then
      local last = redis.call('ZRANGE', K.heads .. scope, -1, -1, 'WITHSCORES')[2]
      high = math.max(high or 0, RANKS - tonumber(first))
      low = math.min(low or RANKS, RANKS - tonumber(last))
    end
  end
  if not high then
    return RANK_PLANES, 0
  end
  local planes = 0
  while low ~= high do
    low, high, planes = math.floor(low / 2), math.floor(high / 2), planes + 1
  end
  return planes, low
end

-- Of the spots `from`, those of the rank and in front of it; false where none can be.
local function in_front_of(from, rank, planes, common)
  local high = math.floor((RANKS - rank) / 2 ^ planes)
  local low = RANKS - rank - high * 2 ^ planes
  if high > common then
    return false
  end
  return (high < common or low == 0) and from or at_least(spot_column(RANK), planes, low, from)
end

-- Of the spots `from`, those that a hold leaves nothing for: behind the holder, and using what it lacks.
local function withheld_spots(keeper, from, planes, common)
  local rank, lacks = string.match(keeper.hold, '^(%d+)|[^|]*|(.*)$')
  local uses = {}
  local flat = redis.call('HGETALL', K.spot_planes)
  for i = 1, #flat, 2 do
    if string.find(',' .. lacks .. ',', ',' .. family_of(string.match(flat[i], '^[^#]+')) .. ',', 1, true) then
      for bit = 0, tonumber(flat[i + 1]) - 1 do
        uses[#uses + 1] = spot_column(flat[i]) .. bit
      end
    end
  end
  local found = scratch()
  if #uses > 0 then
    redis.call('BITOP', 'OR', found, unpack(uses))
    redis.call('BITOP', 'AND', found, found, from)
  end
  local in_front = in_front_of(found, tonumber(rank), planes, common)
  return in_front and without(found, in_front) or found
end

-- The spot of `from`, which is not empty, whose head has the best rank.
--
-- Of many, some are likely to have the bits of several planes at once; where none has, fewer are tried. The last few are
-- told apart plane by plane until one is left.
local function first_by_rank(from, planes)
  local at_once = 4
  while planes > 0 and (at_once > 1 or redis.call('BITCOUNT', from) > 1) do
    local count, with, run = math.min(at_once, planes), scratch(), {from}
    for bit = planes - 1, planes - count, -1 do
      run[#run + 1] = spot_column(RANK) .. bit
    end
    redis.call('BITOP', 'AND', with, unpack(run))
    if redis.call('BITPOS', with, 1) >= 0 then
      from, planes = with, planes - count
    elseif count > 1 then
      at_once = math.floor(count / 2)
    else
      planes = planes - 1
    end
  end
  return redis.call('BITPOS', from, 1)
end

local function best_of_many(keeper, after, is_coarse)
  local from = spots_of(keeper)
  local unfit = unfit_spots(keeper, is_coarse)
  -- Lua unpacks at most 8,000 values.
  for first = 1, #unfit, 1000 do
    local any = scratch()
    redis.call('BITOP', 'OR', any, unpack(unfit, first, math.min(first + 999, #unfit)))
    from = without(from, any)
  end
  if redis.call('BITPOS', from, 1) < 0 then
    return nil
  end
  local shared = load_shared()
  local is_held = keeper.hold or shared.hold
  local planes, common = differing_planes(keeper)
  for _, held in ipairs(is_held and (keeper == shared and {keeper} or {keeper, shared}) or {}) do
    if held.hold then
      from = without(from, withheld_spots(held, from, planes, common))
    end
  end
  if after then
    local in_front = in_front_of(from, after, planes, common)
    from = in_front and without(from, in_front) or from
  end
  if (is_held or after) and redis.call('BITPOS', from, 1) < 0 then
    return nil
  end
  local best = first_by_rank(from, planes)
  local shape_text = redis.call('ZRANGEBYSCORE', K.shapes, best, best)[1]
  return shape_text, tonumber(redis.call('ZSCORE', K.heads .. shape_of(shape_text).scope, shape_text))
end
