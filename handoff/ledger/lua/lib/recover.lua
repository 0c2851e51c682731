-- Giving back what a node held that was lost, is emptied or goes: in slices, by every script with budget left.
--
-- KEYS     abandoned  held  running  claims  claim_ends  callbacks  rq_queue
-- @lazy
-- @include lib/retry

local function drop_claim(id)
  redis.call('HDEL', K.claims, id)
  redis.call('ZREM', K.claim_ends, id)
end

-- One reservation of a lost node: queued functions wait again at no cost; started ones cost their attempt.
local function recover_one(node, id, lost_text, lobby, now)
  give_back(node, id, 'lost', now)
  local job_id, number = string.match(id, '^([%w_-]+):(%d+)$')
  if not job_id then
    -- Asked again after this node was lost, `allocate` may by now hold the same claim on another.
    if redis.call('HGET', K.claims, id) == node.name then
      drop_claim(id)
    end
    return
  end
  local job = read_job(job_id)
  stop_running(node.name, lobby .. '.' .. node.name, id)
  if not job or job.h_placement ~= number then
    return
  end
  if job.h_cancel or job.status == 'canceled' then
    if job.status ~= 'canceled' then
      end_job(job, 'canceled', {}, now)
    end
  elseif job.status == 'queued' then
    admit(job, lobby, now)
  elseif job.status == 'started' then
    keep_for_callback(job)
    local outcome = fail_job(job, 'handoff.errors.NodeLost', node.name, {'exc_string', lost_text}, true, 1, lobby, now)
    if outcome == 'failed+callback' then
      redis.call('RPUSH', K.callbacks, job_id)
    end
  end
end

-- Give back up to `count` of the functions that stand on the queue of a node that is closed, and let them be placed
-- or wait, those of higher rank first. -> how many entries there were
local function hand_back(node, outcome, lobby, now, count)
  local ids = redis.call('LPOP', K.rq_queue .. lobby .. '.' .. node.name, count) or {}
  local jobs, seen = {}, {}
  for _, id in ipairs(ids) do
    local job = not seen[id] and read_job(id)
    seen[id] = true
    if job and job.status == 'queued' then
      jobs[#jobs + 1] = job
    end
  end
  table.sort(jobs, before)
  for _, job in ipairs(jobs) do
    if not redis.call('ZSCORE', K.running .. node.name, reservation_of(job)) then
      give_back(node, reservation_of(job), outcome, now)
    end
    adopt(job, lobby, now)
  end
  return #ids
end

-- -> the budget that is left. First the queue, whose order is known; then what ran, and claims.
local function recover_abandoned(lost_text, lobby, now, budget)
  while budget > 0 do
    local name = redis.call('ZRANGE', K.abandoned, 0, 0)[1]
    if not name then
      return budget
    end
    local node = load_node(name)
    local entries = hand_back(node, 'lost', lobby, now, budget)
    budget = budget - entries
    if entries == 0 then
      local cursor, flat = '0', nil
      repeat
        -- A page may be empty where a large hash has emptied; only a cursor that is back at 0 says that nothing is left.
        local page = redis.call('HSCAN', K.held .. name, cursor, 'COUNT', budget)
        cursor, flat = page[1], page[2]
      until #flat > 0 or cursor == '0'
      for i = 1, #flat, 2 do
        recover_one(node, flat[i], lost_text, lobby, now)
        budget = budget - 1
      end
      if #flat == 0 then
        budget = budget - 1
        redis.call('DEL', K.running .. name)
        redis.call('ZREM', K.abandoned, name)
      end
    end
  end
  return budget
end
