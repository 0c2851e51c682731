-- Take a node out of service, or back into it: quiet, it takes no more, what runs ends, its queue waits again.
--
-- ARGV     name       str
--          epoch      str   of this agent's registration
--          quiet      int   1 or 0
--          reason     str   why it takes no more, for people; '' = it was told so
-- RETURNS  {'quiet'}
--          {'serving'}
--          {'again'}    more of its queue is to be handed back: call once more
--          {'stale'}    the node has another epoch
-- @include settle  nodes/dirty  nodes/external  nodes/holds  nodes/lapse  nodes/node  nodes/recovery  nodes/standing  runs/groups
-- @include texts/number  time/events

local SLICE = 64

local node = Lapse.own_node(name, epoch)
if not node then
  return {'stale'}
end

if quiet == 0 then
  Node.serve(node)
  Standing.set_open(node)
  Dirty.mark(name)
  Events.emit('node', 'node', name, 'change', 'serving')
  External.settle(node)
  Settle.go_on(32)
  return {'serving'}
end

Holds.lift(node)
if not node.quiet or (node.reason or '') ~= reason then
  Node.set_field(node, 'quiet', Number.text(Call.now))
  Node.set_field(node, 'reason', reason ~= '' and reason or nil)
  Events.emit('node', 'node', name, 'change', 'quiet', 'reason', reason)
end
Standing.set_open(node)
Groups.disband(node)
return {Recovery.hand_back(node, 'handed back', SLICE) == SLICE and 'again' or 'quiet'}
