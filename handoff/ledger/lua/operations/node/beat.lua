-- Renew a node's lease, and compare what its agent runs with the books.
--
-- KEYS     reservations
-- ARGV     name       str
--          epoch      str   of this agent's registration
--          op         int   number of the last `finish` that was answered, -1 = it does not matter. What was started
--                           under a later one was not there yet when this was sent
--          runs       list  of the reservations that the agent runs, or whose results it has not yet delivered
-- RETURNS  {'beaten', {reservation, ...}, drained, left_ms}  to be stopped: canceled, deleted, or forgotten by Redis; then
--                                          until when what runs may end on a node that is drained, 0 = for ever,
--                                          and how long that is
--          {'behind'}                      Redis was rolled back to before that `finish`: the lease is renewed, and
--                                          the books are compared once it was told what has ended since (recall)
--          {'stale'}                       the node has another epoch: nothing of it is this agent's
-- @include jobs/executions  jobs/queues  jobs/reconcile  jobs/worker  nodes/lapse  nodes/leases  nodes/reservations  time/clock

local node = Lapse.own_node(name, epoch)
if not node then
  return {'stale'}
end
Clock.note()
Leases.renew(node)
Worker.beat(Queues.of(name), node)
if tonumber(node.op or 0) < op then
  return {'behind'}
end
local runs, has, forgotten, queue = {}, {}, {}, Queues.of(name)
Queues.list(queue)
-- One by one: Lua unpacks at most 8,000 values.
for i = runs_first, #ARGV do
  runs[#runs + 1] = ARGV[i]
  has[ARGV[i]] = true
  -- Redis was rolled back, or has dropped the records: nothing is reserved for what runs there.
  if not Reservations.has(name, ARGV[i]) then
    forgotten[#forgotten + 1] = ARGV[i]
  end
end
Executions.show(name, queue, runs)
local reserved = redis.call('HKEYS', K.reservations .. name)
if #reserved == 0 or #forgotten > 0 then
  Reservations.recount(node)
end
local stops = Reconcile.node(node, reserved, has, op)
for _, id in ipairs(forgotten) do
  stops[#stops + 1] = id
end
local ends = tonumber(node.draining or 0)
return {'beaten', stops, ends, math.max(0, ends - Call.now)}
