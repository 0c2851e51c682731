-- Read one function's fields and its newest result, both as of one moment.
--
-- A script and not MULTI, which a server at its memory limit refuses, before Redis 8 even for reads.
--
-- KEYS     rq_job  rq_results
-- ARGV     job_id  str
--          fields  list  of the job's hash
-- RETURNS  {'looked', {value, ...}, {{entry id, {field, value, ...}}}}  values in the order asked for
-- @flags no-writes

return {'looked', redis.call('HMGET', K.rq_job .. job_id, unpack(ARGV, fields_first)),
  redis.call('XREVRANGE', K.rq_results .. job_id, '+', '-', 'COUNT', 1)}
