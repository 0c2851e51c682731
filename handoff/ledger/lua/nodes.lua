-- Read the books of one node, or of all in their order.
--
-- KEYS     nodes  node  leases
-- ARGV     name    str   '' = all
--          now_ms  int   0 = the server's clock
-- RETURNS  {'nodes', {{name, lease_ms, {field, value, ...}}, ...}}  lease_ms: what is left of it, -1 = static
-- @include lib/clock

local now = clock(now_ms)
local found = {}
for _, each in ipairs(name == '' and redis.call('ZRANGE', K.nodes, 0, -1) or {name}) do
  local flat = redis.call('HGETALL', K.node .. each)
  if #flat > 0 then
    local ends = redis.call('ZSCORE', K.leases, each)
    found[#found + 1] = {each, ends and math.max(0, tonumber(ends) - now) or -1, flat}
  end
end
return {'nodes', found}
