-- Starting the head of a shape on a node.
--
-- STATE    taking  nil  the node whose agent calls, and takes what starts there
-- @include jobs/placing  nodes/fit  texts/demand  texts/shape  waiting/lines  waiting/waiting

-- The first variant, in its order of preference, by which a function that waits could start on the node.
local function best_variant(job, node, shape)
  local demand = Demand.read(job.demand)
  for i = 1, #demand do
    local variant = demand[i]
    if variant.shape == shape.text then
      return i
    end
    local other = Shape.read(variant.shape)
    if Lines.has(other, job.id) and Fit.now(node, other, job.rank + 0) then
      return i
    end
  end
end

-- Its agent takes what starts there, in the same script.
function Start.begin_taking(node)
  Call.taking = node.name
end

-- Start the head of a shape, if it is of that rank, on a node that fits. Where rq's tools took it away, the next one's
-- turn comes with its own rank.
function Start.head(node, shape, rank)
  local job = Waiting.live_head(shape, Call.taking == node.name)
  if job and job.rank + 0 == rank then
    local variant = best_variant(job, node, shape)
    Waiting.stop(job)
    Placing.on(job, node, variant)
  end
end
