-- Read the books of some nodes.
--
-- An agent that was not heard of for a lease is told as lost, though an outage may have kept it: where only those are left
-- who look, no script would ever end a lease.
--
-- KEYS     node
-- ARGV     names   list
-- RETURNS  {'nodes', {{name, lease_ms, {field, value, ...}}, ...}}  lease_ms: what is left of it, -1 = nobody has one
-- @include nodes/leases  time/clock
-- @flags no-writes

local found = {}
for i = names_first, #ARGV do
  local each = ARGV[i]
  local flat = redis.call('HGETALL', K.node .. each)
  if #flat > 0 then
    found[#found + 1] = {each, Leases.left(each, Clock.gap()) or -1, flat}
  end
end
return {'nodes', found}
