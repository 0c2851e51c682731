-- Take on one function: write its job, then place it, or let it wait.
--
-- All in one round trip. Asked again with the same token (the reply was lost) it answers as the function stands,
-- and changes nothing.
--
-- KEYS     rq_job  delayed
-- ARGV     lobby      str   the namespace: RQ's name of the lobby queue
--          job_id     str
--          token      str   names this submit
--          demand     str   its shapes in order of preference: lib/shape
--          options    str   what few have: lib/job
--          priority   int
--          preferred  str   a node to try first, or ''
--          refuse     int   1 = write nothing where no live node could hold it
--          delay_ms   int   0 = none
--          due_ms     int   not before, by the server's clock; 0 = at once
--          lost_text  str   exc_string of a function lost with its node
--          now_ms     int   0 = the server's clock
--          fields     list  of the job's hash: name, value, ...
-- RETURNS  {'placed', node, devices}
--          {'waiting', nodes}       how many live nodes could hold it when idle
--          {'infeasible', nearest}  none could: `<node>|<what>~<wanted>~<there>|...`, see lib/find
--          {'refused', nearest}     the same, and nothing was written
--          {'delayed', until_ms}
--          {'duplicate'}            the id is taken; nothing was written
-- @include lib/settle
-- @include lib/lapse

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
  settle(lost_text, lobby, now, 4)
  if refuse == 1 then
    local count, nearest = judge(demand_of(demand))
    if count == 0 then
      return {'refused', nearest}
    end
  end
  redis.call('HSET', K.rq_job .. job_id, unpack(ARGV, fields_first))
  job = {id = job_id, status = 'created'}
  set_job(job, 'h_demand', demand, 'h_rank', next_rank(priority), 'h_token', token)
  if options ~= '' then
    set_job(job, 'h_options', options)
  end
  local due = due_ms > 0 and due_ms or now + delay_ms
  if due > now then
    admit_later(job, lobby, due, now)
  else
    ready(job, lobby, now, preferred)
  end
end

if job.status ~= 'deferred' then
  return {'placed', job.h_node or '', job.h_devices or ''}
end
if job.h_state == 'delayed' then
  return {'delayed', tonumber(redis.call('ZSCORE', K.delayed, job_id))}
end
local count, nearest = judge(demand_of(job.h_demand))
if count > 0 then
  return {'waiting', count}
end
if not known then
  emit(now, 'infeasible', 'job', job_id, 'demand', job.h_demand)
end
return {'infeasible', nearest}
