-- Take a node away: claims are dropped, queued functions wait again, started ones count as lost.
--
-- In slices: the node is closed at once, and what it held is given back by as many calls as that takes.
--
-- KEYS     cordoned  drained
-- ARGV     name         str
--          incarnation  str   of the agent that says goodbye; '' = whoever has it
--          cause        str   why what still runs there is lost, of texts/loss; '' = the node is
-- RETURNS  {'gone'}
--          {'again'}    more is to be given back: call once more
--          {'unknown'}  there is no such node, or it is another agent's
-- @include jobs/commands  jobs/queues  nodes/lapse  nodes/node  nodes/removal

Lapse.leases(name)
local node = Node.load(name)
if not node or (incarnation ~= '' and node.incarnation ~= incarnation) then
  return {'unknown'}
end
if incarnation == '' and node.kind == 'leased' then
  Commands.shutdown(Queues.of(name))
end
if not Removal.empty(node, 'leaving', cause ~= '' and cause or nil) then
  return {'again'}
end
if incarnation == '' then
  redis.call('SREM', K.drained, name)
  redis.call('HDEL', K.cordoned, name)
end
Removal.remove(node)
return {'gone'}
