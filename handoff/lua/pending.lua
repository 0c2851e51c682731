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
if redis.call('EXISTS', K.rq_queue .. lobby .. '.' .. name) == 1 then
  return {'pending', 1}
end
local idle = node and {state = node.state, free = values_of(node, 'cap')}

local function could_run(shape)
  local wants, pin = parse_shape(shape)
  return (pin == '' or pin == name) and fits(idle, wants)
end

for _, id in ipairs(node and redis.call('ZRANGE', K.delayed, 0, LONGEST_LOOK) or {}) do
  local job = read_job(id)
  if job and could_run(job.h_shape) then
    return {'pending', 1}
  end
end
for _, scope in ipairs(node and {'', scope_of(name)} or {}) do
  for _, shape in ipairs(redis.call('ZRANGE', K.heads .. scope, 0, LONGEST_LOOK)) do
    if could_run(shape) and live_head(shape) then
      return {'pending', 1}
    end
  end
end
return {'pending', 0}
