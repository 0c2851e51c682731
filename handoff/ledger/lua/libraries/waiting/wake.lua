-- Starting what waits, in the script that made the room, strictly by rank.
--
-- When a node's free amount of something grew from a to b, only shapes that need more than a and at most b of it can
-- newly fit that node: those are tried, and nothing else. Whatever is not growth of one known amount (a node that
-- joined or changed, a hold that ended) marks the node dirty; growth of what all share marks that, with the rank to go
-- on from: work left over is state, not a reply.
--
-- KEYS     need  waiting
-- @include nodes/dirty  nodes/fit  nodes/heads  nodes/node  nodes/shared  nodes/values  texts/index_name  texts/number
-- @include texts/resource  texts/shape  waiting/fill  waiting/firsts  waiting/shapes  waiting/start

-- Of many shapes so many are tried one by one.
local SOME = 8

-- The needs that growth of one index of the node can newly meet, as exclusive and inclusive bounds of units.
local function grown_needs(node)
  local ranges = {}
  for index, free in pairs(node.free) do
    local before = node.was[index] or 0
    if free > before and index ~= Values.SPARE then
      local resource, part = IndexName.read(index)
      if part == 'idle' then
        ranges[#ranges + 1] = {resource, before * Resource.UNIT, free * Resource.UNIT}
      elseif part == 'share' then
        ranges[#ranges + 1] = {resource, before, math.min(free, Resource.UNIT - 1)}
      elseif part == 'memory' then
        ranges[#ranges + 1] = {Resource.memory(resource), before, free}
      else
        ranges[#ranges + 1] = {resource, before, free}
      end
    end
  end
  return ranges
end

local function needs_any(shape, ranges)
  for _, want in ipairs(shape.wants) do
    for _, range in ipairs(ranges) do
      if want[1] == range[1] and want[2] > range[2] and want[2] <= range[3] then
        return true
      end
    end
  end
  return false
end

-- Of a scope the heads of all shapes, {shape, rank, ...}, where they are few; nil where they are many.
local function few_heads(scope)
  local heads = Heads.among(scope, 0, Shapes.FEW)
  return #heads <= 2 * Shapes.FEW and heads or nil
end

-- Of many shapes some that growth can newly fit.
local function by_needs(scope, ranges, add)
  for _, range in ipairs(ranges) do
    local texts = redis.call('ZRANGEBYSCORE', K.need .. range[1] .. scope, '(' .. Number.text(range[2]),
      Number.text(range[3]), 'LIMIT', 0, SOME + 1)
    for _, text in ipairs(texts) do
      local shape = Shape.read(text)
      add(shape, Heads.rank(shape))
    end
  end
end

-- Put a head among others, of which the best rank comes first: behind all, mostly.
local function put(heads, head)
  local place = #heads + 1
  while place > 1 and heads[place - 1].rank > head.rank do
    place = place - 1
  end
  table.insert(heads, place, head)
end

-- The heads of shapes that growth since the start of this script can newly fit, {shape = , rank = } by rank; of many, some.
-- And whether there may be more.
local function newly_fitting(node)
  local found, seen, ranges, are_many = {}, {}, grown_needs(node), false
  local function add(shape, rank)
    if not seen[shape.text] then
      seen[shape.text] = true
      put(found, {shape = shape, rank = rank})
    end
  end
  for _, scope in ipairs(#ranges > 0 and {'', Shape.scope_of(node.name)} or {}) do
    local heads = few_heads(scope)
    for i = 1, heads and #heads or 0, 2 do
      local shape = Shape.read(heads[i])
      if needs_any(shape, ranges) then
        add(shape, tonumber(heads[i + 1]))
      end
    end
    if not heads then
      by_needs(scope, ranges, add)
      are_many = true
    end
  end
  return found, are_many and #found > SOME
end

-- Try what the growth since the start of this script can newly fit: all of it, or what comes before the rank `limit`.
-- -> the budget that is left
function Wake.node(node, budget, limit)
  -- Nothing of it has changed since it was tried last.
  if node.was == node.free or not Node.is_open(node) then
    return budget
  end
  if limit then
    local _, first = Firsts.of(K.waiting)
    if not first or tonumber(first) > limit then
      return budget
    end
  end
  local heads, are_many = newly_fitting(node)
  if are_many then
    return Fill.node(node, budget, limit)
  end
  while #heads > 0 do
    local head = table.remove(heads, 1)
    local shape, rank = head.shape, head.rank
    if limit and rank > limit then
      return budget
    end
    local following
    if Fit.now(node, shape, rank) then
      if budget <= 0 then
        Dirty.mark(node.name)
        return 0
      end
      local was_any
      budget, was_any = Fill.in_front(shape, rank, budget - 1)
      if not was_any or Fit.now(node, shape, rank) then
        Start.head(node, shape, rank)
      end
      following = Heads.rank(shape)
    end
    if following and following > rank then
      head.rank = following
      put(heads, head)
    end
  end
  node.was = node.free
  return budget
end

-- -> the budget that is left; each look costs one
function Wake.dirty(budget)
  while budget > 0 do
    local name, after = Dirty.next()
    if not name then
      return budget
    end
    if name == Shared.NAME then
      budget = Fill.shared(after, budget)
    else
      local node = Node.load(name)
      budget = node and Fill.node(node, budget) or budget
    end
  end
  return budget
end
