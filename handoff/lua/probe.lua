-- Say whether a cost fits on a node now.
--
-- KEYS     leases
-- ARGV     name    str
--          cost    str   cpu=20000,gpu=5000
--          now_ms  int   0 = the server's clock
-- RETURNS  {'probed', yes}  1 or 0; 0 for a node that is unknown or whose lease is over
-- @include lib/node

local node = load_node(name)
local ends = node and node.lease_ms and redis.call('ZSCORE', K.leases, name)
local live = node and (not ends or tonumber(ends) > clock(now_ms))
return {'probed', live and fits(node, (parse_shape(cost))) and 1 or 0}
