-- Which claim is on which node.
--
-- KEYS     claim_ends  claim_owners  claims

function ClaimRecords.drop(id)
  redis.call('HDEL', K.claims, id)
  redis.call('HDEL', K.claim_owners, id)
  redis.call('ZREM', K.claim_ends, id)
end
