-- Renew a node's lease, and compare what its agent runs with the books.
--
-- KEYS     leases  reservations
-- ARGV     name       str
--          epoch      str   of this agent's registration
--          runs       list  of the reservations that the agent runs, or whose results it has not yet delivered
-- RETURNS  {'beaten', {reservation, ...}}  to be stopped: canceled, deleted, or forgotten by Redis
--          {'stale'}                       the node has another epoch: nothing of it is this agent's
-- @include jobs/queues  jobs/reconcile  jobs/worker  nodes/lapse  nodes/reservations

local node = Lapse.own_node(name, epoch)
if not node then
  return {'stale'}
end
redis.call('ZADD', K.leases, Call.now + tonumber(node.lease_ms), name)
Worker.beat(Queues.of(name), node)
local has, forgotten = {}, {}
for i = runs_first, #ARGV do
  has[ARGV[i]] = true
  -- Redis was rolled back: nothing is reserved for what runs there.
  if not Reservations.has(name, ARGV[i]) then
    forgotten[#forgotten + 1] = ARGV[i]
  end
end
local stops = Reconcile.node(node, redis.call('HKEYS', K.reservations .. name), has)
for _, id in ipairs(forgotten) do
  stops[#stops + 1] = id
end
return {'beaten', stops}
