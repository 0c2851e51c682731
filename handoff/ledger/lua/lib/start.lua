-- Starting the head of a shape on a node.
--
-- KEYS     heads  shape
-- @include lib/admit

local function head_rank(shape)
  return tonumber(redis.call('ZSCORE', K.heads .. shape.scope, shape.text) or nil)
end

-- The first variant, in its order of preference, by which a function that waits could start on the node.
local function best_variant(job, node, shape)
  local rank = tonumber(job.h_rank)
  for i, variant in ipairs(demand_of(job.h_demand)) do
    if variant.shape == shape.text then
      return i
    end
    local other = shape_of(variant.shape)
    if redis.call('ZSCORE', K.shape .. other.text, job.id) and fits(node, other, rank) then
      return i
    end
  end
end

-- Start the head of a shape, if it is of that rank, on a node that fits. Where rq's tools took it away, the next one's
-- turn comes with its own rank.
local function start_head(node, shape, rank, lobby, now)
  local job = live_head(shape, lobby, now)
  if job and tonumber(job.h_rank) == rank then
    local variant = best_variant(job, node, shape)
    stop_waiting(job, now)
    place(job, node, variant, lobby, now)
  end
end
