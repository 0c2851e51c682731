-- Filling a node that is `dirty`, and handing out what all share: the best rank first, until nothing fits.
--
-- KEYS     dirty  shape
-- @lazy
-- @include lib/start
-- @include lib/spots

local SLOTS = 'slots'
-- A walk over what wants shared tokens looks for a node at each step, which takes as long as several other steps.
local SHARED_STEP = 3

-- Start one function that waits, by the first of its shapes that fits anywhere.
local function start_anywhere(job, lobby, now)
  local rank = tonumber(job.h_rank)
  for i, variant in ipairs(demand_of(job.h_demand)) do
    local shape = shape_of(variant.shape)
    local joined = variant.after == 0 or redis.call('ZSCORE', K.shape .. shape.text, job.id)
    local node = joined and find_node(shape, rank, choice_of(job))
    if node then
      stop_waiting(job, now)
      place(job, node, i, lobby, now)
      return
    end
  end
end

-- Start what shared tokens newly suffice for, wherever it fits: all of it, or what comes before the rank `limit`. -> the
-- budget that is left
--
-- `tried` is the free amount with which all that waits was tried last: only who needs more than that can newly fit.
local function fill_shared(after, lobby, now, budget, limit)
  local shared = load_shared()
  while next(shared.cap) do
    if budget <= 0 then
      redis.call('ZADD', K.dirty, 'NX', after and text(after) or '-inf', SHARED)
      return budget
    end
    local shape_text, rank = best_shape(shared, after)
    budget = budget - SHARED_STEP
    if not shape_text then
      break
    end
    if limit and rank >= limit then
      redis.call('ZADD', K.dirty, 'NX', after and text(after) or '-inf', SHARED)
      return budget
    end
    local job = live_head(shape_of(shape_text), lobby, now)
    if job and tonumber(job.h_rank) == rank then
      start_anywhere(job, lobby, now)
    end
    after = rank
  end
  set_tried(shared, shared.free)
  return budget
end

-- Tokens that came free go to the best rank, wherever that fits: before a head that takes of them starts on this node,
-- those in front of it are tried on all. -> the budget that is left
local function serve_in_front(shape, rank, lobby, now, budget)
  local shared, takes = load_shared(), false
  for _, want in ipairs(shape.wants) do
    takes = takes or shared.cap[want[1]] ~= nil
  end
  local cursor = takes and redis.call('ZSCORE', K.dirty, SHARED)
  if not cursor then
    return budget
  end
  redis.call('ZREM', K.dirty, SHARED)
  return fill_shared(cursor ~= '-inf' and tonumber(cursor) or nil, lobby, now, budget, rank)
end

-- Start what fits a node, the best rank first, until nothing does, or nothing before the rank `limit`. -> the budget that
-- is left
local function fill(node, lobby, now, budget, limit)
  -- Every function needs a slot, so a node without one is done at once.
  while is_open(node) and (node.free[SLOTS] or 0) >= UNIT do
    if budget <= 0 then
      redis.call('ZADD', K.dirty, '-inf', node.name)
      return budget
    end
    local shape_text, rank = best_shape(node)
    budget = budget - 1
    if not shape_text then
      break
    end
    if limit and rank > limit then
      return budget
    end
    budget = serve_in_front(shape_of(shape_text), rank, lobby, now, budget)
    if fits(node, shape_of(shape_text), rank) then
      start_head(node, shape_of(shape_text), rank, lobby, now)
    end
  end
  node.was = node.free
  return budget
end
