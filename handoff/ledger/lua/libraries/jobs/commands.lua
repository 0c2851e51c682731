-- Commands to an agent, on RQ's channel for its worker. All but `work` are RQ's own.
--
-- KEYS     rq_channel

local function send(queue, command)
  redis.call('PUBLISH', K.rq_channel .. queue, command)
end

-- To end the child that runs the job.
function Commands.stop(job)
  send(job.origin, '{"command": "stop-job", "job_id": "' .. job.id .. '"}')
end

function Commands.shutdown(queue)
  send(queue, '{"command": "shutdown"}')
end

-- There is something on its queue.
function Commands.work(queue)
  send(queue, '{"command": "handoff-work"}')
end
