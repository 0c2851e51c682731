-- RQ's queues: the lobby `<namespace>`, and of each node `<namespace>.<node>`; telling RQ of them, and agents that there is
-- work for them.
--
-- An agent takes all that its queue holds, so only the first entry needs a hint; and none where the same script takes it.
-- A lost one costs half a second.
--
-- KEYS     rq_queue  rq_queues
-- STATE    hinted  {}  queues to whose agents a hint is to be sent
--          listed  {}  queues that RQ was told of
-- @finally send_hints
-- @include jobs/commands

-- The queue of a node; also the name of its agent as RQ's worker.
function Queues.of(node_name)
  return Call.lobby .. '.' .. node_name
end

-- Whose queue it is; nil of any other.
function Queues.node_of(queue)
  local prefix = Queues.of('')
  return string.sub(queue, 1, #prefix) == prefix and string.sub(queue, #prefix + 1) or nil
end

-- Jobs of other queues are not ours, though RQ knows no namespaces.
function Queues.is_ours(queue)
  return queue == Call.lobby or Queues.node_of(queue or '') ~= nil
end

-- RQ lists a queue among all; said once a script.
function Queues.list(queue)
  if not Call.listed[queue] then
    Call.listed[queue] = true
    redis.call('SADD', K.rq_queues, K.rq_queue .. queue)
  end
end

function Queues.hint(queue)
  Call.hinted[queue] = true
end

function Queues.send_hints()
  for queue in pairs(Call.hinted) do
    if redis.call('EXISTS', K.rq_queue .. queue) == 1 then
      Commands.work(queue)
    end
  end
  Call.hinted = {}
end
