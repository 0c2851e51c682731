-- Store what a node's children returned, give the room back, start what fits, and take the next functions.
--
-- A batch in one round trip. Under the number it already answered, it writes nothing and answers the same again.
--
-- KEYS     node  held  running  rq_worker
-- ARGV     lobby      str
--          name       str   the node
--          epoch      str   of this agent's registration
--          op         int   number of this call, one more than the last
--          room       int   how many functions the agent can start
--          lost_text  str   exc_string of a function lost with its node
--          now_ms     int   0 = the server's clock
--          results    list  per result: reservation, kind (finished, failed, stopped), body (text of RQ's return_value
--                           or exc_string, or ''), error, message, retryable (0, 1), jitter, forms (what its
--                           serializers made of the value, with commas)
-- RETURNS  {'done', {outcome, ...}, started, more}   per result stored, retrying, failed, failed+callback, stopped,
--                                                    canceled, refused; more = 1: work is left over, tick again
--          {'stale'}                                 the node has another epoch: nothing of it is this agent's
-- @include lib/take
-- @include lib/lapse

local now = clock(now_ms)
local node = own_node(name, epoch, now)
if not node then
  return {'stale'}
end
if node.op == text(op) then
  local outcomes = {}
  for outcome in string.gmatch(node.op_reply, '[^,]+') do
    outcomes[#outcomes + 1] = outcome
  end
  return {'done', outcomes, started_under(node, op), is_settled() and 0 or 1}
end

local queue = lobby .. '.' .. name

-- Results larger than that are read by the children that need them, not sent along by `take`.
local LARGE = 16384

local function value_of(job, body, forms)
  local value = body == '' and {} or {'return_value', body}
  local number = 0
  for form in string.gmatch(forms, '[^,]+') do
    number = number + 1
    value[#value + 1], value[#value + 2] = 'form:' .. number, form
  end
  if job.h_run and #body + #forms > LARGE then
    set_job(job, 'h_bulk', '1')
  end
  return value
end

local function store(id, kind, body, error, message, retryable, jitter, forms)
  if redis.call('HEXISTS', K.held .. name, id) == 0 then
    return 'refused'
  end
  local job_id, number = string.match(id, '^(.*):(%d+)$')
  local job = read_job(job_id)
  stop_running(name, queue, id)
  give_back(node, id, kind, now)
  if not job or job.h_placement ~= number or job.status ~= 'started' then
    return 'canceled'
  end
  if job.h_cancel then
    end_job(job, 'canceled', {}, now)
    return 'canceled'
  end
  if kind == 'finished' then
    end_job(job, 'finished', value_of(job, body, forms), now)
    return 'stored'
  end
  if kind == 'stopped' and job.h_evicted == number then
    return fail_job(job, 'handoff.errors.NodeLost', name, {'exc_string', lost_text}, true, 1, lobby, now)
  end
  if kind == 'stopped' then
    set_job(job, 'h_error', error, 'h_message', message)
    end_job(job, 'stopped', {'exc_string', body}, now)
    return 'stopped'
  end
  return fail_job(job, error, message, {'exc_string', body}, retryable, jitter, lobby, now)
end

local outcomes, finished, failed = {}, 0, 0
for i = results_first, #ARGV, 8 do
  local outcome = store(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5] == '1',
    tonumber(ARGV[i + 6]), ARGV[i + 7])
  outcomes[#outcomes + 1] = outcome
  finished = finished + (outcome == 'stored' and 1 or 0)
  failed = failed + (outcome ~= 'stored' and outcome ~= 'refused' and 1 or 0)
end
if has_left_over() then
  unfold(lobby, now, 32, node)
end
wake(node, lobby, now, 32)
settle(lost_text, lobby, now, 16)
take(node, lobby, op, room, now)
wake(node, lobby, now, 8)

redis.call('HSET', K.node .. name, 'op', text(op), 'op_reply', table.concat(outcomes, ','))
local worker = K.rq_worker .. queue
redis.call('HSET', worker, 'state', redis.call('EXISTS', K.running .. name) == 1 and 'busy' or 'idle')
if finished > 0 then
  redis.call('HINCRBY', worker, 'successful_job_count', finished)
end
if failed > 0 then
  redis.call('HINCRBY', worker, 'failed_job_count', failed)
end
return {'done', outcomes, started_under(node, op), is_settled() and 0 or 1}
