-- Starting what waits, in the script that made the room, strictly by rank.
--
-- When a node's free amount of something grew from a to b, only shapes that need more than a and at most b of it can
-- newly fit that node: those are tried, and nothing else. Whatever is not growth of one known amount (a node that
-- joined or changed, a hold that ended) marks the node `dirty`; growth of what all share marks `*`, with the rank to go
-- on from: work left over is state, not a reply.
--
-- KEYS     need  dirty  waiting
-- @include lib/fill

-- The needs that growth of one index of the node can newly meet, as exclusive and inclusive bounds of units.
local function grown_needs(node)
  local ranges = {}
  for index, free in pairs(node.free) do
    local before = node.was[index] or 0
    if free > before and index ~= SPARE then
      local resource, kind = string.match(index, '^([^#]+)#(%l+)$')
      if kind == 'idle' then
        ranges[#ranges + 1] = {resource, before * UNIT, free * UNIT}
      elseif kind == 'share' then
        ranges[#ranges + 1] = {resource, before, math.min(free, UNIT - 1)}
      elseif kind == 'memory' then
        ranges[#ranges + 1] = {resource .. MEMORY, before, free}
      else
        ranges[#ranges + 1] = {index, before, free}
      end
    end
  end
  return ranges
end

-- Try what the growth since the start of this script can newly fit: all of it, or what comes before the rank `limit`.
-- -> the budget that is left
local function wake(node, lobby, now, budget, limit)
  if not is_open(node) then
    return budget
  end
  if limit then
    local first = redis.call('ZRANGE', K.waiting, 0, 0, 'WITHSCORES')[2]
    if not first or tonumber(first) > limit then
      return budget
    end
  end
  local heads, seen, count = {}, {}, 0
  for _, range in ipairs(grown_needs(node)) do
    for _, scope in ipairs({'', '@' .. node.name}) do
      local found = redis.call('ZRANGEBYSCORE', K.need .. range[1] .. scope, '(' .. text(range[2]), text(range[3]),
        'LIMIT', 0, FEW + 1)
      for _, shape_text in ipairs(found) do
        if not seen[shape_text] then
          seen[shape_text], count = true, count + 1
          heads[count] = shape_text
        end
      end
    end
  end
  if count > FEW then
    return fill(node, lobby, now, budget, limit)
  end
  for i, shape_text in ipairs(heads) do
    local shape = shape_of(shape_text)
    heads[i] = {shape, head_rank(shape)}
  end
  while #heads > 0 do
    local best = 1
    for i = 2, #heads do
      if heads[i][2] < heads[best][2] then
        best = i
      end
    end
    local shape, rank = heads[best][1], heads[best][2]
    if limit and rank > limit then
      return budget
    end
    local following
    if fits(node, shape, rank) then
      if budget <= 0 then
        redis.call('ZADD', K.dirty, '-inf', node.name)
        return 0
      end
      budget = serve_in_front(shape, rank, lobby, now, budget - 1)
      if fits(node, shape, rank) then
        start_head(node, shape, rank, lobby, now)
      end
      following = head_rank(shape)
    end
    if following and following > rank then
      heads[best][2] = following
    else
      table.remove(heads, best)
    end
  end
  node.was = node.free
  return budget
end

-- -> the budget that is left; each look costs one. A mark is taken off first: it may be set again while its node is
-- being filled.
local function settle_dirty(lobby, now, budget)
  while budget > 0 do
    local first = redis.call('ZRANGE', K.dirty, 0, 0, 'WITHSCORES')
    if not first[1] then
      return budget
    end
    redis.call('ZREM', K.dirty, first[1])
    if first[1] == SHARED then
      budget = fill_shared(first[2] ~= '-inf' and tonumber(first[2]) or nil, lobby, now, budget)
    else
      local node = load_node(first[1])
      budget = node and fill(node, lobby, now, budget) or budget
    end
  end
  return budget
end
