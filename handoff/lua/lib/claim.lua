-- Claims through the tracker: reservations that belong to nobody's function and take no slot.
--
-- KEYS     claims  claim_ends
-- @include lib/settle

-- nil where the name is unknown or its lease is over, whoever has noticed.
local function live_node(name, now)
  lapse_leases(now)
  local node = load_node(name)
  return node and node.state == 'up' and node or nil
end

local function claim(node, id, cost, ttl_ms, now)
  redis.call('HSET', K.claims, id, node.name)
  if ttl_ms > 0 then
    redis.call('ZADD', K.claim_ends, now + ttl_ms, id)
  end
  return hold(node, id, cost, now)
end

-- What is missing of each want, on top of what is missing already: {resource, units, ...}. Of whole devices the
-- missing idle ones, of a share what the emptiest device lacks of it.
local function shortage(wants, free_of, missing)
  for _, want in ipairs(wants) do
    local resource, units = want[1], want[2]
    local have = free_of(resource)
    for _, index in ipairs(indices_of(resource, units)) do
      have = math.max(have, free_of(index[1]) * (units / index[2]))
    end
    if have < units then
      missing[resource] = (missing[resource] or 0) + units - have
    end
  end
  local short = {}
  for resource, units in pairs(missing) do
    short[#short + 1], short[#short + 2] = resource, text(units)
  end
  return short
end
