-- Giving back what a node held that was lost, is emptied or goes: in slices, by every script with budget left.
--
-- KEYS     abandoned  claims  reservations  running
-- @include claims/claim_records  jobs/admit  jobs/adopt  jobs/bent  jobs/ending  jobs/executions  jobs/failing
-- @include jobs/job  jobs/queues  nodes/node  nodes/reservations  texts/reservation  time/events  writes

-- One reservation of a lost node: queued functions wait again at no cost; started ones cost their attempt. The cause is of
-- texts/loss.
function Recovery.one(node, id, cause)
  Reservations.give_back(node, id, 'lost')
  local job_id, number = Reservation.parts(id)
  if not job_id then
    -- Asked again after this node was lost, `allocate` may by now have the same claim on another.
    if redis.call('HGET', K.claims, id) == node.name then
      ClaimRecords.drop(id)
    end
    return
  end
  local job = Job.read(job_id)
  Executions.finish(node.name, Queues.of(node.name), {id})
  if not job or (job.placement ~= number and job.bent ~= 'placement') or Bent.ends(job) then
    return
  end
  if job.cancel or job.status == 'canceled' then
    Executions.forget(Queues.of(node.name), id)
    if job.status ~= 'canceled' then
      Ending.job(job, 'canceled', {})
      Events.emit('canceled', 'job', job_id)
    end
  elseif job.status == 'queued' then
    Admit.job(job)
  elseif job.status == 'started' then
    Failing.lost(job, node.name, cause)
  end
end

-- Give back up to `count` of the functions that stand on the queue of a node that is closed, and let them be placed
-- or wait, those of higher rank first. -> how many entries there were
function Recovery.hand_back(node, outcome, count)
  local ids = redis.call('LPOP', Queues.settle(Queues.of(node.name)), count) or {}
  local jobs, seen = {}, {}
  for _, id in ipairs(ids) do
    local job = not seen[id] and Job.read(id)
    seen[id] = true
    if job and job.status == 'queued' then
      jobs[#jobs + 1] = job
    end
  end
  table.sort(jobs, Job.before)
  for _, job in ipairs(jobs) do
    if not Executions.has(node.name, Job.reservation(job)) then
      Reservations.give_back(node, Job.reservation(job), outcome)
    end
    Adopt.job(job)
  end
  return #ids
end

-- Some reservations of a node, and none only where none is left: a page may be empty where a large hash has emptied.
local function some_reservations(name, count)
  local cursor, flat = '0', nil
  repeat
    local page = redis.call('HSCAN', Writes.settle(K.reservations .. name), cursor, 'COUNT', count)
    cursor, flat = page[1], page[2]
  until #flat > 0 or cursor == '0'
  return flat
end

-- -> the budget that is left. First the queue, whose order is known; then what ran, and claims.
function Recovery.go_on(budget)
  while budget > 0 do
    local name = redis.call('ZRANGE', K.abandoned, 0, 0)[1]
    if not name then
      return budget
    end
    local node = Node.load(name)
    if not node then
      -- Redis dropped its hash.
      redis.call('DEL', Writes.settle(K.running .. name), Writes.settle(K.reservations .. name))
      redis.call('ZREM', K.abandoned, name)
      return budget - 1
    end
    local entries = Recovery.hand_back(node, 'lost', budget)
    budget = budget - entries
    if entries == 0 then
      local flat = some_reservations(name, budget)
      for i = 1, #flat, 2 do
        Recovery.one(node, flat[i], node.cause)
        budget = budget - 1
      end
      if #flat == 0 then
        budget = budget - 1
        redis.call('DEL', Writes.settle(K.running .. name))
        redis.call('ZREM', K.abandoned, name)
      end
    end
  end
  return budget
end
