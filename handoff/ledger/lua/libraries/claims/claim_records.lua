-- Which claim is on which node.
--
-- KEYS     claim_ends  claims

function ClaimRecords.drop(id)
  redis.call('HDEL', K.claims, id)
  redis.call('ZREM', K.claim_ends, id)
end
