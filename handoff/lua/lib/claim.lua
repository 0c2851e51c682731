-- Claims through the tracker: reservations that belong to nobody's function and take no slot.
--
-- KEYS     claims  claim_ends
-- @include lib/settle
-- @include lib/lapse

local MOST_ENDED = 16

-- Give back claims whose time is over. -> whether there may be more
local function end_claims(lobby, now)
  local due = redis.call('ZRANGEBYSCORE', K.claim_ends, '-inf', now, 'LIMIT', 0, MOST_ENDED)
  for _, id in ipairs(due) do
    local node = load_node(redis.call('HGET', K.claims, id))
    drop_claim(id)
    give_back(node, id, 'expired', now)
    wake(node, lobby, now, MOST_ENDED)
  end
  return #due == MOST_ENDED
end

-- Whoever asks the tracker finds leases and claims ended that are over, even where nobody ever ticks.
local function notice(lobby, now)
  lapse_leases(now)
  end_claims(lobby, now)
end

-- nil where the name is unknown, or its node is lost.
local function live_node(name)
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

-- What a claim on the node could get of one index: nothing of what is held for a function.
local function free_on(node)
  local shared = load_shared()
  return function(index)
    local resource = string.match(index, '^[^#]+')
    local keeper = shared.cap[resource] and shared or node
    local withheld = holds_back(keeper, {wants = {{resource, 1}}}, NOBODY)
    return not withheld and keeper.free[index] or 0
  end
end

-- What is missing of each want, on top of what is missing already: {resource, units, ...}. Of whole devices the
-- missing idle ones, of a share or of memory what the best device lacks of it.
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

-- What is held beyond its capacity keeps a node from taking anything at all.
local function excess_of(node)
  return node.over and excess(node) or {}
end
