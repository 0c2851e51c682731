-- Which of the nodes that fit: a strategy takes a bitmap of them and returns a bit position, -1 = there is none.
--
-- @include nodes/index  nodes/values

-- The first in the cluster's own order of nodes.
function Strategies.first_available(bitmap)
  return redis.call('BITPOS', bitmap, 1)
end

-- The node that is loaded least, by the largest used share of any of its resources; of equals the first in order.
local function load_balanced(bitmap)
  local _, best = Index.largest('free', Values.SPARE, bitmap)
  return redis.call('BITPOS', best, 1)
end

function Strategies.named(name)
  return name == 'load_balanced' and load_balanced or Strategies.first_available
end
