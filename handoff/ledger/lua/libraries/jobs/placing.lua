-- Placing a function on a node that fits.
--
-- KEYS     open
-- STATE    placed  {}  what this script has placed, by id, as it stands on its queue: nobody else can have been there
-- @include jobs/job  jobs/lobby  jobs/queues  nodes/find  nodes/node  nodes/reservations  nodes/scratch  nodes/strategies
-- @include runs/groups  texts/demand  texts/number  texts/reservation  texts/shape  time/timestamp  waiting/overtaking

function Placing.placed_now(job_id, node)
  local job = Call.placed[job_id]
  return job and job.status == 'queued' and job.node == node.name and job or nil
end

-- Onto the queue of the node that has its reservation.
function Placing.enqueue(node, job, shape)
  local queue = Queues.of(node.name)
  Job.set(job, 'status', 'queued', 'origin', queue, 'enqueued_at', Timestamp.now())
  local has_waited = job.state == 'waiting'
  if job.state then
    Job.blank(job, 'state', 'since')
  end
  Lobby.leave(job.id)
  Queues.push(queue, job.id)
  Call.placed[job.id] = job
  Overtaking.count_placement(shape, job.rank + 0, has_waited)
end

-- By one of its variants.
function Placing.on(job, node, variant)
  local demand = Demand.read(job.demand)
  local shape = Shape.read(demand[variant].shape)
  local placement = Job.next_placement()
  local devices = Reservations.make(node, Reservation.id(job.id, placement), shape.cost)
  Job.set(job, 'node', node.name, 'placement', placement)
  if devices ~= (job.devices or '') then
    Job.set(job, 'devices', devices)
  end
  if #demand > 1 then
    Job.set(job, 'variant', Number.text(variant - 1))
  end
  if job.group then
    Groups.choose(job, node)
  end
  Placing.enqueue(node, job, shape)
end

function Placing.strategy_of(job)
  return Strategies.named(Job.option(job, 'strategy'))
end

-- The node that its strategy chooses for one of its shapes, or nil; that on which its last attempt failed only where no
-- other fits. `grown`: see Find.node.
function Placing.find(job, shape, rank, grown)
  local choose = Placing.strategy_of(job)
  local shunned = job.shunned and shape.pin == '' and Node.load(job.shunned)
  if shunned and Node.is_open(shunned) then
    local others = Scratch.key()
    redis.call('BITOP', 'OR', others, K.open, K.open)
    redis.call('SETBIT', others, shunned.position, 0)
    local node = Find.node(shape, rank, choose, others)
    Scratch.drop()
    if node then
      return node
    end
  end
  return Find.node(shape, rank, choose, nil, grown)
end
