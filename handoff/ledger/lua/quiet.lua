-- Take a node out of service, or back into it: quiet, it takes no more, what runs ends, its queue waits again.
--
-- KEYS     node  dirty
-- ARGV     lobby      str
--          name       str
--          epoch      str   of this agent's registration
--          quiet      int   1 or 0
--          lost_text  str   exc_string of a function lost with its node
--          now_ms     int   0 = the server's clock
-- RETURNS  {'quiet'}
--          {'serving'}
--          {'again'}    more of its queue is to be handed back: call once more
--          {'stale'}    the node has another epoch
-- @include lib/settle
-- @include lib/lapse

local SLICE = 64

local now = clock(now_ms)
local node = own_node(name, epoch, now)
if not node then
  return {'stale'}
end

if quiet == 0 then
  node.quiet = nil
  redis.call('HDEL', K.node .. name, 'quiet')
  set_open(node)
  redis.call('ZADD', K.dirty, '-inf', name)
  settle(lost_text, lobby, now, 32)
  return {'serving'}
end

node.quiet = '1'
end_hold(node, now)
redis.call('HSET', K.node .. name, 'quiet', '1')
set_open(node)
disband_groups(node)
return {hand_back(node, 'handed back', lobby, now, SLICE) == SLICE and 'again' or 'quiet'}
