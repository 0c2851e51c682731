-- Say whether anything waits that a node could run when idle.
--
-- KEYS     delayed  heads  rq_queue
-- ARGV     name    str   the node
-- RETURNS  {'pending', yes}  1 or 0
-- @include jobs/job  jobs/queues  nodes/fit  nodes/node  texts/demand  texts/shape  waiting/waiting

local LONGEST_LOOK = 1000

local node = Node.load(name)
if redis.call('EXISTS', K.rq_queue .. Queues.of(name)) == 1 then
  return {'pending', 1}
end

for _, id in ipairs(node and redis.call('ZRANGE', K.delayed, 0, LONGEST_LOOK) or {}) do
  local job = Job.read(id)
  for _, variant in ipairs(job and Demand.read(job.demand) or {}) do
    if Fit.idle(node, Shape.read(variant.shape)) then
      return {'pending', 1}
    end
  end
end
for _, scope in ipairs(node and {'', Shape.scope_of(name)} or {}) do
  for _, shape_text in ipairs(redis.call('ZRANGE', K.heads .. scope, 0, LONGEST_LOOK)) do
    local shape = Shape.read(shape_text)
    if Fit.idle(node, shape) and Waiting.live_head(shape) then
      return {'pending', 1}
    end
  end
end
return {'pending', 0}
