-- Cancel one function, in whatever state it is.
--
-- What has not started ends here and now. What runs is marked: its agent kills the child, and `finish` ends it as
-- canceled whatever the child returned meanwhile. Asked again with the same token it answers the same.
--
-- KEYS     rq_queue  rq_deferred  rq_channel  delayed
-- ARGV     lobby      str
--          job_id     str
--          token      str   names this cancel
--          lost_text  str   exc_string of a function lost with its node
--          now_ms     int   0 = the server's clock
-- RETURNS  {'canceled'}  this call decided
--          {'ended'}     it had ended, or another call had canceled it
--          {'unknown'}   there is no such function
-- @include lib/settle
-- @include lib/lapse

local now = clock(now_ms)
lapse_leases(now)
local job = read_job(job_id)
if job and not is_ours(job, lobby) then
  return {'unknown'}
end
if not job then
  local _, canceled = read_word(job_id)
  return {canceled == token and 'canceled' or 'unknown'}
end
if job.h_cancel then
  return {job.h_cancel == token and 'canceled' or 'ended'}
end

if job.status == 'started' then
  set_job(job, 'h_cancel', token)
  redis.call('PUBLISH', K.rq_channel .. job.origin,
    '{"command": "stop-job", "job_id": "' .. job_id .. '"}')
  return {'canceled'}
end

if job.status ~= 'deferred' and job.status ~= 'queued' then
  return {'ended'}
end
set_job(job, 'h_cancel', token)
if job.status == 'queued' then
  redis.call('LREM', K.rq_queue .. job.origin, 0, job_id)
  local node = job.h_node and load_node(job.h_node)
  if node then
    give_back(node, reservation_of(job), 'canceled', now)
    end_job(job, 'canceled', {}, now)
    wake(node, lobby, now, 8)
  else
    end_job(job, 'canceled', {}, now)
  end
else
  redis.call('ZREM', K.rq_deferred .. lobby, job_id)
  redis.call('ZREM', K.delayed, job_id)
  if job.h_state == 'waiting' then
    stop_waiting(job, now)
    count_gone()
  end
  end_job(job, 'canceled', {}, now)
  emit(now, 'canceled', 'job', job_id)
end
settle(lost_text, lobby, now, 4)
return {'canceled'}
