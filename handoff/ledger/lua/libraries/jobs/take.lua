-- Starting what stands on a node's queue: looked at again, for rq's own tools may have been there.
--
-- KEYS     abandoned  dirty  heads  holds  large  leftovers  node  rq_suspended  run  shape_bits
-- STATE    stopping  {}  run -> whether it is being stopped: whoever stops a run does so before anything is taken
-- @include jobs/adopt  jobs/bent  jobs/cancel  jobs/executions  jobs/job  jobs/placing  jobs/queues  nodes/node
-- @include jobs/sending  nodes/recovery  nodes/reservations  nodes/shared  rare  texts/reservation  texts/shape

local MOST_ADOPTED = 64

local function is_stopping(run)
  if Call.stopping[run] == nil then
    Call.stopping[run] = redis.call('HGET', K.run .. run, 'state') == 'stopping'
  end
  return Call.stopping[run]
end

-- One entry of the queue. -> whether it was started
local function take(node, queue, job_id, op)
  local fresh = Placing.placed_now(job_id, node)
  local job = fresh or Job.read(job_id)
  if not job then
    return false
  end
  if not fresh and Bent.ends(job) then
    return false
  end
  local id = Job.reservation(job)
  local is_reserved = fresh or Reservations.has(node.name, id)
  if job.status ~= 'queued' then
    -- Canceled by rq: its room is free again.
    if is_reserved and not Executions.has(node.name, id) then
      Reservations.give_back(node, id, 'canceled')
    end
  elseif job.run and is_stopping(job.run) then
    Cancel.job(job, 'run', job.run)
  elseif is_reserved and (fresh or not Executions.has(node.name, id)) then
    Executions.begin(job, id, node, queue, op)
    return true
  else
    Adopt.job(job)
  end
  return false
end

-- What it asks for, and whatever wakes before it: mostly none of it is there.
function Take.look(node)
  Rare.look(K.rq_suspended, K.abandoned, K.dirty, K.leftovers, K.holds, K.shape_bits, K.large,
    K.heads .. Shape.scope_of(node.name), K.node .. Shared.NAME, Queues.key(Queues.of(node.name)))
end

-- Pop and start up to `room` functions. Which ones were started is read from `running`, under this op.
--
-- On a node that somebody empties nothing starts any more: what still stands there waits again, a slice at each call,
-- whoever began that and is gone. -> how much of the room is left when the queue is empty; 0 where it is not
function Take.from_queue(node, op, room)
  if Node.is_closing(node) then
    Recovery.hand_back(node, 'handed back', MOST_ADOPTED)
    return 0
  end
  if room <= 0 or Rare.exists(K.rq_suspended) then
    return 0
  end
  local queue, looks = Queues.of(node.name), room + MOST_ADOPTED
  while room > 0 and looks > 0 do
    looks = looks - 1
    local job_id = Queues.pop(queue)
    if not job_id then
      return room
    end
    room = room - (take(node, queue, job_id, op) and 1 or 0)
  end
  return 0
end

-- Jobs that were started, as {reservation, {{field, value, ...}, ...}, inputs, {field that is left out, ...}}
local function sent(ids)
  local started = {}
  for _, id in ipairs(ids) do
    local job_id = Reservation.parts(id)
    if job_id then
      local whole, left_out = Sending.fields(job_id)
      started[#started + 1] = {id, whole, Sending.inputs(job_id), left_out}
    end
  end
  return started
end

-- What this script has started.
function Take.started_now()
  return sent(Executions.begun())
end

-- What was started under `op`: the same again if asked again.
function Take.started_under(node, op)
  return sent(Executions.under(node.name, op))
end
