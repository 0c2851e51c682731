-- Claim a cost on one node.
--
-- KEYS     held
-- ARGV     lobby   str
--          name    str
--          id      str   of the claim, made by the caller: asked again, it answers the same
--          cost    str   cpu=20000,gpu=5000
--          ttl_ms  int   0 = until it is released
--          now_ms  int   0 = the server's clock
-- RETURNS  {'reserved', devices}
--          {'short', {resource, units, ...}}  missing; nothing changed
--          {'unknown'}                        no live node has that name
-- @include lib/claim
-- @include lib/shortage

local now = clock(now_ms)
notice(lobby, now)
local node = live_node(name)
if not node then
  return {'unknown'}
end
local record = redis.call('HGET', K.held .. name, id)
if record then
  local _, devices = parse_record(record)
  return {'reserved', devices}
end
local shape = shape_of(cost)
if not fits(node, shape, NOBODY) then
  return {'short', shortage(shape.wants, free_on(node, NOBODY), excess_of(node))}
end
return {'reserved', claim(node, id, cost, ttl_ms, now)}
