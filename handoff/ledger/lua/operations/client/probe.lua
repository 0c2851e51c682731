-- Say whether a cost fits on a node now.
--
-- ARGV     name    str
--          cost    str   texts/cost
-- RETURNS  {'probed', yes}  1 or 0; 0 for a node that is unknown or whose lease is over
-- @include claims/claims  nodes/fit  nodes/node  texts/shape
-- @include arguments
-- @flags allow-oom

Arguments.check('cost', Shape.is_sound(cost))
Claims.catch_up()
local node = Node.live(name)
return {'probed', node and Fit.now(node, Shape.read(cost), Fit.CLAIMS) and 1 or 0}
