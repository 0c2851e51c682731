-- Claims through the tracker: reservations that belong to nobody's function and take no slot.
--
-- KEYS     claim_ends  claim_owners  claims
-- @include claims/claim_records  nodes/lapse  nodes/node  nodes/reservations  waiting/wake

local MOST_ENDED = 16

-- Give back claims whose time is over. -> whether there may be more
function Claims.end_due()
  local due = redis.call('ZRANGEBYSCORE', K.claim_ends, '-inf', Call.now, 'LIMIT', 0, MOST_ENDED)
  for _, id in ipairs(due) do
    local node = Node.load(redis.call('HGET', K.claims, id) or '')
    if node then
      Claims.give_back(node, id, 'expired')
      Wake.node(node, MOST_ENDED)
    else
      ClaimRecords.drop(id)
    end
  end
  return #due == MOST_ENDED
end

-- Whoever asks the tracker, perhaps about one node, finds leases and claims ended that are over, even where nobody ever
-- ticks.
function Claims.catch_up(name)
  Lapse.leases(name)
  Claims.end_due()
end

-- `ttl_ms` of 0 = until it is released; `owner` is whose it is, '' = nobody has said. -> its devices (texts/devices)
function Claims.make(node, id, cost, ttl_ms, owner)
  redis.call('HSET', K.claims, id, node.name)
  if ttl_ms > 0 then
    redis.call('ZADD', K.claim_ends, Call.now + ttl_ms, id)
  end
  if owner ~= '' then
    redis.call('HSET', K.claim_owners, id, owner)
  end
  return Reservations.make(node, id, cost)
end

function Claims.give_back(node, id, outcome)
  ClaimRecords.drop(id)
  Reservations.give_back(node, id, outcome)
end
