-- Say whether anything waits that a node could run when idle.
--
-- KEYS     heads  delayed  rq_queue
-- ARGV     lobby  str
--          name   str   the node
-- RETURNS  {'pending', yes}  1 or 0
-- @include lib/waiting
-- @include lib/node

local LONGEST_LOOK = 1000

local node = load_node(name)
if redis.call('EXISTS', K.delayed, K.rq_queue .. lobby .. '.' .. name) > 0 then
  return {'pending', 1}
end
local idle = node and {state = node.state, free = values_of(node, 'cap')}
for _, scope in ipairs(node and {'', scope_of(name)} or {}) do
  for _, shape in ipairs(redis.call('ZRANGE', K.heads .. scope, 0, LONGEST_LOOK)) do
    if fits(idle, (parse_shape(shape))) and live_head(shape, lobby) then
      return {'pending', 1}
    end
  end
end
return {'pending', 0}
