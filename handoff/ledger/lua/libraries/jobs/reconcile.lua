-- Reservations against queue and children: what rq's tools deleted, canceled or emptied gives its room back.
--
-- A page at a time, in two steps. A page names the reservations that something has to run; whoever knows what runs there says
-- which of them do not, and these are looked at again before anything is done, for others have come between.
--
-- KEYS     reservations
-- @include jobs/admit  jobs/executions  jobs/job  jobs/queues  nodes/recovery  nodes/reservations  texts/cursor
-- @include texts/reservation  waiting/wake  writes

-- A queue that is longer is not read whole; along it so many entries are passed at most at a time, some 10 ns each.
local LONG_QUEUE, MOST_PASSED = 1024, 32768

-- Of reservations whose jobs should stand on the queue of a node -> those whose do not. On a long queue some are looked for
-- at a time, others at another: what was taken off it is found by some later page.
local function off_queue(node, ids)
  local key, missing, entries = Queues.settle(Queues.of(node.name)), {}, {}
  local length, first, looks = redis.call('LLEN', key), 0, #ids
  if length > LONG_QUEUE then
    first, looks = Call.now, math.min(#ids, math.ceil(MOST_PASSED / length))
  else
    for _, entry in ipairs(redis.call('LRANGE', key, 0, -1)) do
      entries[entry] = true
    end
  end
  for i = first, first + looks - 1 do
    local id = ids[i % #ids + 1]
    local job_id = Reservation.parts(id)
    if not entries[job_id] and (length <= LONG_QUEUE or not redis.call('LPOS', key, job_id)) then
      missing[#missing + 1] = id
    end
  end
  return missing
end

local function is_queued(node, job_id)
  return redis.call('LPOS', Queues.settle(Queues.of(node.name)), job_id) ~= false
end

-- `ids` are what the agent of the node says that it runs. -> those of them that it is to stop; whether nothing is reserved for
-- some. Four fields of a hash tell mostly, for at each heartbeat each is looked at.
function Reconcile.told(node, ids)
  local stops, is_any_forgotten = {}, false
  for i = 1, #ids do
    local id = ids[i]
    local job_id, placement = Reservation.parts(id)
    if not Reservations.has(node.name, id) then
      -- Redis was rolled back, or has dropped the records.
      is_any_forgotten = true
      stops[#stops + 1] = id
    elseif job_id then
      local status, last, cancel, evicted = Job.get(job_id, 'status', 'placement', 'cancel', 'evicted')
      -- Redis was rolled back to before it was started: its agent is going to take it once more.
      local is_its_own = last == placement and (status == 'started' or (status == 'queued' and is_queued(node, job_id)))
      if not is_its_own or (cancel and cancel ~= '') or evicted == placement then
        stops[#stops + 1] = id
      end
    end
  end
  return stops, is_any_forgotten
end

-- Some reservations of a node, and how to go on (texts/cursor). A hash that Redis keeps packed is one page of up to 512, which
-- is gone through from its end: what is taken off meanwhile moves nothing there that is still to be looked at.
local function some(name, at, count)
  local cursor, left = Cursor.read(at)
  local page = redis.call('HSCAN', Writes.settle(K.reservations .. name), cursor, 'COUNT', count)
  local ids, size = {}, #page[2] / 2
  local last = left > 0 and math.min(left, size) or size
  local before = last > 2 * count and last - count or 0
  for i = 2 * before + 1, 2 * last, 2 do
    ids[#ids + 1] = page[2][i]
  end
  return ids, before > 0 and Cursor.write(cursor, before) or Cursor.write(page[1], 0)
end

-- Whether a function in that state has a reservation; deferred ones do in a run that reserves whole.
local function reserves_rightly(job)
  return job.status == 'queued' or job.status == 'started' or (job.status == 'deferred' and job.reserved ~= nil)
end

-- The same of one that has not been started, by as few fields as may be. -> whether so; its status
local function looks_right(job_id, placement)
  local status, last = Job.get(job_id, 'status', 'placement')
  if last == placement and (status == 'queued' or status == 'started') then
    return true, status
  end
  local job = status == 'deferred' and Job.read(job_id)
  return job and job.placement == placement and reserves_rightly(job), status
end

-- Look at up to `count` reservations of a node, from where `at` says (texts/cursor). -> those that nothing may be of, unless
-- something runs there: what was started, and what stands nowhere; where to go on, nil: that was all
function Reconcile.page(node, at, count)
  local ids, following = some(node.name, at, count)
  local doubtful, queued, started = {}, {}, Executions.started_under(node.name, ids)
  for i = 1, #ids do
    local id = ids[i]
    local job_id, placement = Reservation.parts(id)
    local is_right, status = true, nil
    if job_id and not started[i] then
      is_right, status = looks_right(job_id, placement)
    end
    if started[i] or not is_right then
      doubtful[#doubtful + 1] = id
    elseif status == 'queued' then
      queued[#queued + 1] = id
    end
  end
  for _, id in ipairs(queued[1] and off_queue(node, queued) or {}) do
    doubtful[#doubtful + 1] = id
  end
  return doubtful, following ~= Cursor.START and following or nil
end

-- One of which nothing runs.
local function give_up(node, id, op)
  local job_id, placement = Reservation.parts(id)
  local job = Job.read(job_id)
  local is_its_last = job and job.placement == placement
  if Executions.has(node.name, id) then
    -- It was started for an agent that does not run it.
    if not Executions.is_after(node.name, id, op) then
      Recovery.one(node, id, 'unknown')
    end
  elseif not is_its_last or not reserves_rightly(job) then
    Reservations.give_back(node, id, 'gone')
  elseif job.status == 'queued' and not is_queued(node, job_id) then
    Reservations.give_back(node, id, 'gone')
    Admit.job(job)
  end
end

-- Of those that a page has named nothing runs on the node: whoever says so knows of what was started under the call `op` and
-- before.
function Reconcile.without(node, ids, op)
  for _, id in ipairs(ids) do
    if Reservation.parts(id) and Reservations.has(node.name, id) then
      give_up(node, id, op)
    end
  end
  Wake.node(node, 8)
end
