-- Store what a node's children returned, give the room back, start what fits, and take the next functions.
--
-- A batch in one round trip. Under the number it already answered, it writes nothing and answers the same again.
--
-- ARGV     name       str   the node
--          epoch      str   of this agent's registration
--          op         int   number of this call, one more than the last
--          room       int   how many functions the agent can start
--          waits      int   1 = and one that is handed to it with a hint, before its next call
--          results    list  texts/result, one behind the other
-- RETURNS  {'done', {outcome, ...}, started, more, ready}  per result stored, retrying, failed, failed+callback, stopped,
--                                                    canceled, returned (it waits again), refused, incomplete (of a
--                                                    value that was sent before not all is there); more = 1: work is left over, tick again;
--                                                    ready = 1: something may be handed over before the next call
--          {'behind'}                                Redis was rolled back to before the last of these calls: nothing was
--                                                    written, and recall goes first
--          {'stale'}                                 the node has another epoch: nothing of it is this agent's; or this
--                                                    call comes late, and a later one was answered
-- @include settle  jobs/bent  jobs/executions  jobs/handing  jobs/job  jobs/outcome  jobs/parcels  jobs/queues  jobs/take
-- @include jobs/worker  nodes/lapse  nodes/node  nodes/reservations  runs/consequences  runs/leftovers  texts/list  texts/number
-- @include texts/reservation  texts/result  waiting/firsts  waiting/start  waiting/wake
-- @include arguments

Arguments.check('results', (#ARGV - results_first + 1) % Result.VALUES == 0)
for i = results_first, #ARGV, Result.VALUES do
  Arguments.check('results', Result.is_sound(ARGV, i))
end

local node = Lapse.own_node(name, epoch)
if not node then
  return {'stale'}
end
-- A number without an answer is none that was answered: somebody wrote it.
if node.op == Number.text(op) and node.op_reply then
  return {'done', List.read(node.op_reply), Take.started_under(node, op), Settle.is_done() and 0 or 1,
    Handing.is_noted(node) and 1 or 0}
end

local last = tonumber(node.op or 0)
if last < op - 1 then
  return {'behind'}
end
-- Its agent has given that connection up, and asked again: what was started now would run nowhere.
if last > op then
  return {'stale'}
end

local queue = Queues.of(name)
Take.look(node)
if room > 0 then
  Start.begin_taking(node)
end

local function store(result)
  local id, kind = result.id, result.kind
  if not Reservations.give_back(node, id, kind) then
    return 'refused'
  end
  local job_id, placement = Reservation.parts(id)
  local job = Job.read_whole(job_id)
  if job and (job.bent == 'placement' or (job.bent and job.placement == placement)) and not job.cancel then
    return Bent.fail(job)
  end
  if not job or job.placement ~= placement or job.status ~= 'started' then
    Executions.forget(queue, id)
    return 'canceled'
  end
  return Outcome.store(job, result, name, placement)
end

-- What was sent before is taken in; nil where not all of it is there.
local function completed(result)
  if result.kind == 'sent' then
    if not Parcels.is_whole(result.body, tonumber(result.message)) then
      return nil
    end
    result.kind, result.message = 'finished', ''
    result.body, result.forms = Parcels.open(result.body)
  end
  return result
end

local results, ids = {}, {}
for i = results_first, #ARGV, Result.VALUES do
  local result = completed(Result.read(ARGV, i))
  results[#results + 1] = result or false
  ids[#ids + 1] = result and result.id
end
-- Written first: a script on a full server may delete, and then whatever comes behind that.
Executions.finish(name, queue, Reservations.take_out(node, ids))
Firsts.expect(#ids)

local outcomes, finished, failed = {}, 0, 0
local IS_NO_FAILURE = {stored = true, returned = true, refused = true, incomplete = true}
for i, result in ipairs(results) do
  local outcome = result and store(result) or 'incomplete'
  outcomes[i] = outcome
  finished = finished + (outcome == 'stored' and 1 or 0)
  failed = failed + (IS_NO_FAILURE[outcome] and 0 or 1)
end
if Leftovers.any() then
  Consequences.work_off(32, node)
end
Wake.node(node, 32)
Settle.go_on(16)
local was_ready = Handing.is_noted(node)
local left = Take.from_queue(node, op, room)
Handing.note(node, waits == 1 and left > 0)
Wake.node(node, 8)

Node.note(node, 'op', Number.text(op), 'op_reply', List.write(outcomes))
Worker.count(node, finished, failed)
local started = was_ready and Take.started_under(node, op) or Take.started_now()
return {'done', outcomes, started, Settle.is_done() and 0 or 1, Handing.is_noted(node) and 1 or 0}
