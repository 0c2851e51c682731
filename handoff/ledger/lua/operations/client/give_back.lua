-- Give back what a function holds that a worker of RQ's own has ended, and start what fits into the room. Ticks and heartbeats
-- find that too, but where somebody looks at it nobody may ever tick.
--
-- ARGV     job_id   str
-- RETURNS  {'given'}
--          {'nothing'}  it holds nothing, or has not ended
-- @include settle  jobs/executions  jobs/job  jobs/statuses  nodes/lapse  nodes/node  nodes/reservations  waiting/wake
-- @flags allow-oom

Lapse.leases()
local job = Job.read(job_id)
local node = job and Statuses.ENDED[job.status] and job.node and Node.live(job.node)
local id = node and Job.reservation(job)
if not node or Executions.has(node.name, id) or not Reservations.give_back(node, id, 'gone') then
  return {'nothing'}
end
Wake.node(node, 32)
Settle.go_on(8)
return {'given'}
