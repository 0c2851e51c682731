-- Take a node away: claims are dropped, queued functions wait again, started ones count as lost.
--
-- In slices: the node is closed at once, and what it held is given back by as many calls as that takes.
--
-- KEYS     rq_channel  drained
-- ARGV     lobby        str
--          name         str
--          incarnation  str   of the agent that says goodbye; '' = whoever has it
--          lost_text    str   exc_string of a function lost with its node
--          now_ms       int   0 = the server's clock
-- RETURNS  {'gone'}
--          {'again'}    more is to be given back: call once more
--          {'unknown'}  there is no such node, or it is another agent's
-- @include lib/farewell
-- @include lib/lapse

local now = clock(now_ms)
lapse_leases(now)
local node = load_node(name)
if not node or (incarnation ~= '' and node.incarnation ~= incarnation) then
  return {'unknown'}
end
if incarnation == '' and node.kind == 'leased' then
  redis.call('PUBLISH', K.rq_channel .. lobby .. '.' .. name, '{"command": "shutdown"}')
end
if not empty_node(node, lost_text, lobby, now, 'leaving') then
  return {'again'}
end
if incarnation == '' then
  redis.call('SREM', K.drained, name)
end
remove_node(node, lobby, now)
return {'gone'}
