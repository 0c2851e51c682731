-- Read the books of some nodes.
--
-- An agent that was not heard of for a lease is told as lost, though an outage may have kept it: where only those are left
-- who look, no script would ever end a lease. `lease_ms` is what is left of it, `lost_ms` since when a node is lost, and
-- not only late.
--
-- KEYS     lost  node
-- ARGV     names   list
-- RETURNS  {'nodes', {{name, lease_ms, lost_ms, {field, value, ...}}, ...}}  -1 = nobody has a lease; it is not lost
-- @include nodes/leases  texts/number  time/clock
-- @flags no-writes

local found = {}
for i = names_first, #ARGV do
  local each = ARGV[i]
  local flat = redis.call('HGETALL', K.node .. each)
  if #flat > 0 then
    local left = Leases.left(each, Clock.gap())
    local lost = not left and Number.whole(redis.call('ZSCORE', K.lost, each)) or -1
    found[#found + 1] = {each, left or -1, lost, flat}
  end
end
return {'nodes', found}
