-- Say whether a cost fits on a node now.
--
-- ARGV     lobby   str
--          name    str
--          cost    str   cpu=20000,gpu=5000
--          now_ms  int   0 = the server's clock
-- RETURNS  {'probed', yes}  1 or 0; 0 for a node that is unknown or whose lease is over
-- @include lib/claim

notice(lobby, clock(now_ms))
local node = live_node(name)
return {'probed', node and fits(node, shape_of(cost), NOBODY) and 1 or 0}
