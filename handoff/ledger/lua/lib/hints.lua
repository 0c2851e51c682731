-- Telling agents that there is work for them, and RQ of their queues.
--
-- An agent takes all that its queue holds, so only the first entry needs a hint; and none where the same script takes it.
-- A lost one costs half a second.
--
-- KEYS     rq_queue  rq_queues  rq_channel
-- @finally send_hints

local hinted, listed_queues = {}, {}

-- RQ lists a queue among all; said once a script.
local function list_queue(queue)
  if not listed_queues[queue] then
    listed_queues[queue] = true
    redis.call('SADD', K.rq_queues, K.rq_queue .. queue)
  end
end

local function hint(queue)
  hinted[queue] = true
end

local function send_hints()
  for queue in pairs(hinted) do
    if redis.call('EXISTS', K.rq_queue .. queue) == 1 then
      redis.call('PUBLISH', K.rq_channel .. queue, '{"command": "handoff-work"}')
    end
  end
  hinted = {}
end
