-- Empty a node, or open it again: drained, it takes no more, what runs ends, its queue waits again.
--
-- With a deadline, what still runs then is stopped and counts as lost with the node (see tick). It stays so over new
-- registrations, and cannot hold anything in the eyes of whoever asks what is infeasible. To open it is also to open one that is cordoned.
--
-- KEYS     drained
-- ARGV     name         str
--          drain        int   1 or 0
--          deadline_ms  int   from now; 0 = none
-- RETURNS  {'draining'}
--          {'open'}
--          {'again'}    more of its queue is to be handed back: call once more
--          {'unknown'}  no live node has that name
-- @include settle  jobs/commands  jobs/queues  nodes/blame  nodes/cordon  nodes/dirty  nodes/external  nodes/holds  nodes/lapse  nodes/node
-- @include nodes/recovery  nodes/standing  runs/groups  texts/number  texts/timer  time/events  time/timers

local SLICE = 64

Lapse.leases(name)
local node = Node.load(name)
if drain == 0 then
  -- Also where the node is lost, or away, and would come back drained.
  local was_drained = redis.call('SREM', K.drained, name) == 1
  local was_cordoned = Cordon.open(name)
  Blame.forget(name)
  local was_closed = was_drained or was_cordoned
  if not node or (node.state ~= 'up' and not was_closed) then
    return {was_closed and 'open' or 'unknown'}
  end
  if was_cordoned then
    Dirty.mark(name)
  end
  if node.draining then
    Timers.drop(Timer.of('drain', name))
    Node.set_field(node, 'draining', nil)
    Node.set_field(node, 'evicting', nil)
    Standing.set_open(node)
    Standing.set_live(node)
    Dirty.mark(name)
    Events.emit('node', 'node', name, 'change', 'undrained')
  end
  External.settle(node)
  Settle.go_on(16)
  return {'open'}
end
if not node or node.state ~= 'up' then
  return {'unknown'}
end

if not node.draining then
  Events.emit('node', 'node', name, 'change', 'draining')
end
redis.call('SADD', K.drained, name)
local deadline = deadline_ms > 0 and Number.text(Call.now + deadline_ms) or '0'
if node.draining ~= deadline then
  Timers.drop(Timer.of('drain', name))
  if deadline_ms > 0 then
    Timers.set(Timer.of('drain', name), Call.now + deadline_ms)
    Commands.beat(Queues.of(name))
  end
  Node.set_field(node, 'draining', deadline)
  Standing.set_open(node)
  Standing.set_live(node)
  Holds.lift(node)
  Groups.disband(node)
end
return {Recovery.hand_back(node, 'handed back', SLICE) == SLICE and 'again' or 'draining'}
