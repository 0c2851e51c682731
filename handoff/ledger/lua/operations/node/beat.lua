-- Renew a node's lease, and compare a page of what its agent runs, and a page of what is reserved there, with the books.
--
-- A heartbeat is as many of these calls as that takes, each by itself: others come between.
--
-- ARGV     name       str
--          epoch      str   of this agent's registration
--          op         int   number of the last `finish` that was answered
--          worked_ms  int   how long functions have run under this agent, all together
--          at         str   where to go on with what is reserved (texts/cursor)
--          external   str   what other programs use of its host, texts/cost; '' = it does not look
--          external_devices  str  the same of devices, texts/devices
--          runs       list  some of the reservations that the agent runs, or whose results it has not yet delivered
-- RETURNS  {'beaten', {reservation, ...}, drained, left_ms, at, {reservation, ...}}  to be stopped: canceled, deleted, or
--                                          forgotten by Redis; until when what runs may end on a node that is drained, 0 =
--                                          for ever, and how long that is; where to go on, '' = all that is reserved was
--                                          looked at; and what something has to run of: which of it does not is for `deny`
--          {'behind'}                      Redis was rolled back to before that `finish`: the lease is renewed, and
--                                          the books are compared once it was told what has ended since (recall)
--          {'stale'}                       the node has another epoch: nothing of it is this agent's
-- @include arguments  jobs/executions  jobs/queues  jobs/reconcile  jobs/worker  nodes/external  nodes/lapse  nodes/leases
-- @include nodes/reservations  texts/cost  texts/devices  time/clock  waiting/wake

local PAGE = 64

Arguments.check('external', Cost.is_sound(external, 0))
Arguments.check('external_devices', Devices.is_sound(external_devices))
local node = Lapse.own_node(name, epoch)
if not node then
  return {'stale'}
end
Clock.note()
Leases.renew(node)
local queue, runs = Queues.of(name), {unpack(ARGV, runs_first)}
Worker.beat(queue, node, worked_ms)
if tonumber(node.op or 0) < op then
  return {'behind'}
end
Queues.list(queue)
Executions.show(name, queue, runs)
local stops, is_any_forgotten = Reconcile.told(node, runs)
if is_any_forgotten or not Reservations.are_any(name) then
  Reservations.recount(node)
end
External.hear(node, external, external_devices)
local doubtful, following = Reconcile.page(node, at, PAGE)
Wake.node(node, 8)
local ends = tonumber(node.draining or 0)
return {'beaten', stops, ends, math.max(0, ends - Call.now), following or '', doubtful}
