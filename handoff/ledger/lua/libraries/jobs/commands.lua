-- Commands to an agent, on RQ's channel for its worker. All but `work`, `start` and `beat` are RQ's own.
--
-- They are sent when all else is written: a server that is full or read-only refuses that, and takes no word back.
--
-- KEYS     rq_channel
-- STATE    commands  {}  {channel, command} of those that are to be sent
-- @afterwards send_all

local function send(queue, command)
  Call.commands[#Call.commands + 1] = {K.rq_channel .. queue, command}
end

function Commands.send_all()
  for i = 1, #Call.commands do
    -- Redis gives a new user no channels. Whoever may not publish still writes all of it: beats tell what was not said.
    redis.pcall('PUBLISH', Call.commands[i][1], Call.commands[i][2])
  end
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

-- Something was started for it: texts/handed.
function Commands.start(queue, handed)
  send(queue, handed)
end

-- Whether anybody listens; not where this may not be asked.
function Commands.are_heard(queue)
  local listeners = redis.pcall('PUBSUB', 'NUMSUB', K.rq_channel .. queue)
  return not listeners.err and tonumber(listeners[2]) > 0
end
