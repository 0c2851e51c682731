-- Handing a function over with the hint: where its agent has said that it has room, and nothing stands on the queue, the
-- script that has placed it starts it too, as `take` would, and the agent is told of it with all of its job.
--
-- It is started under the number of the agent's next call, which a beat says nothing of, and whose answer names it once more:
-- a hint that was lost costs as much as any other. Only one is handed over between two calls of an agent: on a host that
-- freezes it counts as started though it may not have begun, and whatever comes behind it stands on the queue.
--
-- KEYS     rq_suspended
-- @include jobs/commands  jobs/executions  jobs/job  jobs/placing  jobs/queues  jobs/sending  nodes/node  rare  texts/handed
-- @include texts/number  texts/ready

-- Of its hash. What is larger is read by the agent at its own pace.
local MOST = 16384

-- An agent looks each half of a second, and says so anew.
local LASTS_MS = 1500

-- In the hash: there was no room; there was, and one was handed over.
local NONE, USED = '0', '1'

local function is_small(fields)
  local size = 0
  for i = 1, #fields do
    size = size + #fields[i]
  end
  return size <= MOST
end

local function waits(node)
  local until_ms, epoch = Ready.read(node.ready or NONE)
  return until_ms and epoch == node.epoch and until_ms > Call.now and not Node.is_closing(node)
end

-- Nothing stands there but what this script has put onto it, and rq has not suspended all.
local function is_free(queue, job_id)
  Rare.look(K.rq_suspended, Queues.key(queue))
  return not Rare.exists(K.rq_suspended) and Queues.take_only(queue, job_id)
end

-- What this script has placed on that node, `fields` of its hash were given to it. Where nobody listens its agent has died.
function Handing.over(job_id, node_name, fields)
  local node = Node.load(node_name)
  local job = node and waits(node) and Placing.placed_now(job_id, node)
  if not job or not is_small(fields) then
    return
  end
  local queue = Queues.of(node_name)
  if Commands.are_heard(queue) and is_free(queue, job_id) then
    local op, id = Number.text(tonumber(node.op or 0) + 1), Job.reservation(job)
    Executions.begin(job, id, node, queue, op)
    Node.note(node, 'ready', USED)
    Commands.start(queue, Handed.write(op, node.incarnation, node.epoch, id, (Sending.fields(job_id))))
  end
end

-- Its agent has just called; `has_room`: one may be handed over until it calls the next time.
function Handing.note(node, has_room)
  local ready = has_room and Ready.write(Call.now + LASTS_MS, node.epoch) or NONE
  if ready ~= (node.ready or NONE) then
    Node.note(node, 'ready', ready)
  end
end

-- Whether something may be handed over before its agent calls the next time, or was.
function Handing.is_noted(node)
  return (node.ready or NONE) ~= NONE
end
