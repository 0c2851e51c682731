-- Empty a node, or open it again: drained, it takes no more, what runs ends, its queue waits again.
--
-- With a deadline, what still runs then is stopped and counts as lost with the node (see tick). It stays so over new
-- registrations, and cannot hold anything in the eyes of whoever asks what is infeasible.
--
-- KEYS     dirty  drained
-- ARGV     lobby        str
--          name         str
--          drain        int   1 or 0
--          deadline_ms  int   from now; 0 = none
--          lost_text    str   exc_string of a function lost with its node
--          now_ms       int   0 = the server's clock
-- RETURNS  {'draining'}
--          {'open'}
--          {'again'}    more of its queue is to be handed back: call once more
--          {'unknown'}  no live node has that name
-- @include lib/settle
-- @include lib/lapse

local SLICE = 64

local now = clock(now_ms)
lapse_leases(now)
local node = load_node(name)
if drain == 0 then
  -- Also where the node is lost, or away, and would come back drained.
  local was_drained = redis.call('SREM', K.drained, name) == 1
  if not node or (node.state ~= 'up' and not was_drained) then
    return {was_drained and 'open' or 'unknown'}
  end
  if node.draining then
    drop_timer('drain|' .. name)
    set_field(node, 'draining', nil)
    set_open(node)
    set_live(node)
    redis.call('ZADD', K.dirty, '-inf', name)
    emit(now, 'node', 'node', name, 'change', 'undrained')
  end
  settle(lost_text, lobby, now, 16)
  return {'open'}
end
if not node or node.state ~= 'up' then
  return {'unknown'}
end

if not node.draining then
  emit(now, 'node', 'node', name, 'change', 'draining')
end
redis.call('SADD', K.drained, name)
local deadline = deadline_ms > 0 and text(now + deadline_ms) or '0'
if node.draining ~= deadline then
  drop_timer('drain|' .. name)
  if deadline_ms > 0 then
    set_timer('drain|' .. name, now + deadline_ms)
  end
  set_field(node, 'draining', deadline)
  set_open(node)
  set_live(node)
  end_hold(node, now)
  disband_groups(node)
end
return {hand_back(node, 'handed back', lobby, now, SLICE) == SLICE and 'again' or 'draining'}
