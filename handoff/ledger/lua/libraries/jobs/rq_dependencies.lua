-- RQ's set of what a job depends on.
--
-- KEYS     rq_dependencies

-- Its key, named in handoff.ledger.keys.
function RqDependencies.key(job_id)
  return K.rq_dependencies .. job_id .. ':dependencies'
end

-- `ids` are at least one.
function RqDependencies.add(job_id, ids)
  redis.call('SADD', RqDependencies.key(job_id), unpack(ids))
end
