-- Commands to an agent, on RQ's channel for its worker. All but `work` and `beat` are RQ's own.
--
-- KEYS     rq_channel

local function send(queue, command)
  -- Redis gives a new user no channels. Whoever may not publish still writes all of it: beats tell what was not said.
  redis.pcall('PUBLISH', K.rq_channel .. queue, command)
end

-- To end the child that runs the job.
function Commands.stop(job)
  send(job.origin, '{"command": "stop-job", "job_id": "' .. job.id .. '"}')
end

function Commands.shutdown(queue)
  send(queue, '{"command": "shutdown"}')
end

-- There is something to be told by its next heartbeat.
function Commands.beat(queue)
  send(queue, '{"command": "handoff-beat"}')
end

-- There is something on its queue.
function Commands.work(queue)
  send(queue, '{"command": "handoff-work"}')
end
