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
