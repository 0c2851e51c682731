-- Starting what waits, in the script that made the room, strictly by rank.
--
-- When a node's free amount of something grew from a to b, only shapes that need more than a and at most b of it can
-- newly fit that node: those are tried, and nothing else. Whatever is not growth of one known amount (a node that
-- joined or changed) marks the node `dirty`, with the rank to go on from: work left over is state, not a reply.
--
-- KEYS     heads  need  dirty
-- @include lib/admit

-- A release that touches more shapes than this is walked in slices instead, so that no call is unbounded.
local MOST_CANDIDATES = 64
local SLOTS = 'slots'

local function head_rank(shape)
  local _, pin = parse_shape(shape)
  return tonumber(redis.call('ZSCORE', K.heads .. scope_of(pin), shape) or nil)
end

-- -> whether the function of that rank was started on the node. Where rq's tools took it away, the next one's turn
-- comes with its own rank.
local function start_head(node, shape, rank, lobby, now)
  if not fits(node, (parse_shape(shape))) then
    return false
  end
  local job = live_head(shape, lobby)
  if not job or tonumber(job.h_rank) ~= rank then
    return false
  end
  stop_waiting(job.id, shape)
  place(job, node, lobby, now)
  return true
end

-- The needs that growth of one index of the node can newly meet, as exclusive and inclusive bounds of units.
local function grown_needs(node)
  local ranges = {}
  for index, free in pairs(node.free) do
    local before = node.was[index] or 0
    if free > before then
      local resource, kind = string.match(index, '^([^#]+)#(%l+)$')
      if kind == 'idle' then
        ranges[#ranges + 1] = {resource, before * UNIT, free * UNIT}
      elseif kind == 'share' then
        ranges[#ranges + 1] = {resource, before, math.min(free, UNIT - 1)}
      else
        ranges[#ranges + 1] = {index, before, free}
      end
    end
  end
  return ranges
end

-- Try what the growth since the start of this script can newly fit. -> the budget that is left
local function wake(node, lobby, now, budget)
  if not is_open(node) then
    return budget
  end
  local shapes, seen = {}, {}
  for _, range in ipairs(grown_needs(node)) do
    for _, scope in ipairs({'', scope_of(node.name)}) do
      local found = redis.call('ZRANGEBYSCORE', K.need .. range[1] .. scope, '(' .. text(range[2]), text(range[3]),
        'LIMIT', 0, MOST_CANDIDATES + 1)
      for _, shape in ipairs(found) do
        if not seen[shape] then
          seen[shape] = true
          shapes[#shapes + 1] = {shape, head_rank(shape)}
        end
      end
    end
  end
  node.was = node.free
  if #shapes > MOST_CANDIDATES then
    redis.call('ZADD', K.dirty, '-inf', node.name)
    return budget
  end
  while #shapes > 0 do
    local best = 1
    for i = 2, #shapes do
      if shapes[i][2] < shapes[best][2] then
        best = i
      end
    end
    local shape, rank = shapes[best][1], shapes[best][2]
    local following
    if fits(node, (parse_shape(shape))) then
      if budget <= 0 then
        redis.call('ZADD', K.dirty, '-inf', node.name)
        return 0
      end
      start_head(node, shape, rank, lobby, now)
      budget = budget - 1
      following = head_rank(shape)
    end
    if following and following > rank then
      shapes[best][2] = following
    else
      table.remove(shapes, best)
    end
  end
  node.was = node.free
  return budget
end

-- The next head after `rank` among those the node may be tried with.
local function next_head(node, rank)
  local best, best_rank
  for _, scope in ipairs({'', scope_of(node.name)}) do
    local found = redis.call('ZRANGEBYSCORE', K.heads .. scope, rank, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
    local score = tonumber(found[2])
    if score and (not best_rank or score < best_rank) then
      best, best_rank = found[1], score
    end
  end
  return best, best_rank
end

-- Walk heads in order of rank on the first dirty node. -> the budget that is left; each look costs one
local function settle_dirty(lobby, now, budget)
  while budget > 0 do
    local first = redis.call('ZRANGE', K.dirty, 0, 0, 'WITHSCORES')
    if not first[1] then
      return budget
    end
    local node = load_node(first[1])
    local from = first[2] == '-inf' and '-inf' or '(' .. first[2]
    -- Every function needs a slot, so a node without one is done at once.
    local open = node and is_open(node)
    local last
    while open and budget > 0 and (node.free[SLOTS] or 0) >= UNIT do
      local shape, rank = next_head(node, from)
      last = rank
      if not shape then
        break
      end
      start_head(node, shape, rank, lobby, now)
      from = '(' .. text(rank)
      budget = budget - 1
    end
    if open and last and (node.free[SLOTS] or 0) >= UNIT then
      redis.call('ZADD', K.dirty, text(last), node.name)
    else
      redis.call('ZREM', K.dirty, first[1])
      if node then
        node.was = node.free
      end
    end
  end
  return budget
end
