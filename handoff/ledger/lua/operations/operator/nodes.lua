-- Read the books of one node, or of all in their order.
--
-- KEYS     leases  node  nodes
-- ARGV     name    str   '' = all
-- RETURNS  {'nodes', {{name, lease_ms, {field, value, ...}}, ...}}  lease_ms: what is left of it, -1 = static

local found = {}
for _, each in ipairs(name == '' and redis.call('ZRANGE', K.nodes, 0, -1) or {name}) do
  local flat = redis.call('HGETALL', K.node .. each)
  if #flat > 0 then
    local ends = redis.call('ZSCORE', K.leases, each)
    found[#found + 1] = {each, ends and math.max(0, tonumber(ends) - Call.now) or -1, flat}
  end
end
return {'nodes', found}
