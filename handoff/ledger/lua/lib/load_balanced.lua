-- The node that is loaded least, by the largest used share of any of its resources; of equals the first in order.
--
-- @include lib/node

local function load_balanced(bitmap)
  local _, best = largest('free', SPARE, bitmap)
  return redis.call('BITPOS', best, 1)
end
