-- The first in the cluster's own order of nodes.

local function first_available(bitmap)
  return redis.call('BITPOS', bitmap, 1)
end
