-- Filling a node that is dirty, and handing out what all share: the best rank first, until nothing fits.
--
-- @include jobs/placing  nodes/dirty  nodes/fit  nodes/node  nodes/shared  texts/demand  texts/resource
-- @include texts/shape  waiting/lines  waiting/shapes  waiting/start  waiting/waiting

-- A walk over what wants shared tokens looks for a node at each step, which takes as long as several other steps.
local SHARED_STEP = 3

-- Start one function that waits, by the first of its shapes that fits anywhere.
local function start_anywhere(job)
  local rank = tonumber(job.rank)
  for i, variant in ipairs(Demand.read(job.demand)) do
    local shape = Shape.read(variant.shape)
    local joined = variant.after == 0 or Lines.has(shape, job.id)
    local node = joined and Placing.find(job, shape, rank)
    if node then
      Waiting.stop(job)
      Placing.on(job, node, i)
      return
    end
  end
end

-- Start what shared tokens newly suffice for, wherever it fits: all of it, or what comes before the rank `limit`. -> the
-- budget that is left
--
-- `tried` is the free amount with which all that waits was tried last: only who needs more than that can newly fit.
function Fill.shared(after, budget, limit)
  local shared = Shared.load()
  while next(shared.cap) do
    if budget <= 0 then
      Dirty.mark_shared(after)
      return budget
    end
    local shape_text, rank = Shapes.best(shared, after)
    budget = budget - SHARED_STEP
    if not shape_text then
      break
    end
    if limit and rank >= limit then
      Dirty.mark_shared(after)
      return budget
    end
    local job = Waiting.live_head(Shape.read(shape_text))
    if job and tonumber(job.rank) == rank then
      start_anywhere(job)
    end
    after = rank
  end
  Shared.set_tried(shared.free)
  return budget
end

-- Tokens that came free go to the best rank, wherever that fits: before a head that takes of them starts on this node,
-- those in front of it are tried on all. -> the budget that is left
function Fill.in_front(shape, rank, budget)
  if #Shared.tokens_of(shape) == 0 then
    return budget, false
  end
  local is_marked, after = Dirty.take_shared()
  return is_marked and Fill.shared(after, budget, rank) or budget, is_marked
end

-- Start what fits a node, the best rank first, until nothing does, or nothing before the rank `limit`. -> the budget that
-- is left
function Fill.node(node, budget, limit)
  -- Every function needs a slot, so a node without one is done at once.
  while Node.is_open(node) and (node.free[Resource.SLOTS] or 0) >= Resource.UNIT do
    if budget <= 0 then
      Dirty.mark(node.name)
      return budget
    end
    local shape_text, rank = Shapes.best(node)
    budget = budget - 1
    if not shape_text then
      break
    end
    if limit and rank > limit then
      return budget
    end
    budget = Fill.in_front(Shape.read(shape_text), rank, budget)
    if Fit.now(node, Shape.read(shape_text), rank) then
      Start.head(node, Shape.read(shape_text), rank)
    end
  end
  node.was = node.free
  return budget
end
