-- Say whether anything waits that a node could run when idle.
--
-- KEYS     heads  delayed  rq_queue
-- ARGV     lobby   str
--          name    str   the node
--          now_ms  int   0 = the server's clock
-- RETURNS  {'pending', yes}  1 or 0
-- @include lib/waiting

local LONGEST_LOOK = 1000

local now = clock(now_ms)
local node = load_node(name)
if redis.call('EXISTS', K.rq_queue .. lobby .. '.' .. name) == 1 then
  return {'pending', 1}
end
local idle = node and {name = name, label = node.label, free = values_of(node, 'cap')}

local function could_run(shape)
  return has_room(idle, shape) and allows(idle, shape.terms)
end

for _, id in ipairs(node and redis.call('ZRANGE', K.delayed, 0, LONGEST_LOOK) or {}) do
  local job = read_job(id)
  for _, variant in ipairs(job and demand_of(job.h_demand) or {}) do
    if could_run(shape_of(variant.shape)) then
      return {'pending', 1}
    end
  end
end
for _, scope in ipairs(node and {'', '@' .. name} or {}) do
  for _, shape_text in ipairs(redis.call('ZRANGE', K.heads .. scope, 0, LONGEST_LOOK)) do
    local shape = shape_of(shape_text)
    if could_run(shape) and live_head(shape, lobby, now) then
      return {'pending', 1}
    end
  end
end
return {'pending', 0}
