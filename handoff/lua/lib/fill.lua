-- Filling a node that is `dirty`, and handing out what all share: the best rank first, until nothing fits.
--
-- KEYS     dirty
-- @lazy
-- @include lib/start
-- @include lib/spots

local SLOTS = 'slots'
-- A walk over what wants shared tokens looks for a node at each step, which takes as long as several other steps.
local SHARED_STEP = 3

-- Start what fits a node, the best rank first, until nothing does. -> the budget that is left
local function fill(node, lobby, now, budget)
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
    start_head(node, shape_of(shape_text), rank, lobby, now)
  end
  node.was = node.free
  return budget
end

-- Start what the shared tokens suffice for, wherever it fits. -> the budget that is left
local function fill_shared(after, lobby, now, budget)
  local shared = load_shared()
  while next(shared.cap) and is_open(shared) do
    if budget <= 0 then
      redis.call('ZADD', K.dirty, after and text(after) or '-inf', SHARED)
      return budget
    end
    local shape_text, rank = best_shape(shared, after)
    budget = budget - SHARED_STEP
    if not shape_text then
      break
    end
    local shape = shape_of(shape_text)
    local job = live_head(shape, lobby, now)
    local node = job and find_node(shape, tonumber(job.h_rank), choice_of(job))
    if node and tonumber(job.h_rank) == rank then
      start_head(node, shape, rank, lobby, now)
    end
    after = rank
  end
  return budget
end
