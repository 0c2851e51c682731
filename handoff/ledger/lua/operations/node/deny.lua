-- Hear of which of the reservations that a beat has named an agent runs nothing: what was started there is lost, and what
-- stands nowhere gives its room back.
--
-- ARGV     name       str
--          epoch      str   of this agent's registration
--          op         int   number of the last `finish` that was answered: what was started under a later one it had not
--                           heard of when this was sent
--          ids        list  reservations
-- RETURNS  {'denied'}
--          {'behind'}  Redis was rolled back to before that `finish`: it is to be told first what has ended since (recall)
--          {'stale'}   the node has another epoch: nothing of it is this agent's
-- @include jobs/reconcile  nodes/lapse

local node = Lapse.own_node(name, epoch)
if not node then
  return {'stale'}
end
if tonumber(node.op or 0) < op then
  return {'behind'}
end
Reconcile.without(node, {unpack(ARGV, ids_first)}, op)
return {'denied'}
