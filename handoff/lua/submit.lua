-- Take on one function: write its job, then place it, or let it wait.
--
-- All in one round trip. Asked again with the same token (the reply was lost) it answers as the function stands,
-- and changes nothing.
--
-- KEYS     rq_job
-- ARGV     lobby       str   the namespace: RQ's name of the lobby queue
--          job_id      str
--          token       str   names this submit
--          shape       str
--          priority    int
--          preferred   str   a node to try first, or ''
--          lost_text   str   exc_string of a function lost with its node
--          now_ms      int   0 = the server's clock
--          fields      list  of the job's hash: name, value, ...
-- RETURNS  {'placed', node, devices}
--          {'waiting', nodes}                        how many live nodes could hold it when idle
--          {'infeasible', {name, wanted, most, ...}} units; empty: none has all of it at once
--          {'duplicate'}                             the id is taken; nothing was written
-- @include lib/settle

local now = clock(now_ms)
local known = read_job(job_id)
if known and known.h_token ~= token then
  return {'duplicate'}
end

local job = known
if not known then
  local submitted, _, node, devices = read_word(job_id)
  if submitted == token then
    return {'placed', node, devices}
  end
  lapse_leases(now)
  settle(lost_text, lobby, now, 8)
  redis.call('HSET', K.rq_job .. job_id, unpack(ARGV, fields_first))
  job = {id = job_id, status = 'created'}
  set_job(job, 'h_shape', shape, 'h_rank', next_rank(priority), 'h_token', token)
  admit(job, lobby, now, preferred)
end

if job.status ~= 'deferred' then
  return {'placed', job.h_node or '', job.h_devices or ''}
end
local count, short = judge(job.h_shape)
if count > 0 then
  return {'waiting', count}
end
if not known then
  emit(now, 'infeasible', 'job', job_id, 'shape', job.h_shape)
end
return {'infeasible', short}
