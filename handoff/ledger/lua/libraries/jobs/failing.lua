-- What follows an attempt that failed: a delayed retry, or the end.
--
-- KEYS     callbacks
-- @include jobs/admit  jobs/bent  jobs/deaths  jobs/ending  jobs/exc_string  jobs/job  nodes/feasible  runs/groups
-- @include texts/cost  texts/demand  texts/loss  texts/number  texts/number_list  texts/resource  texts/result
-- @include texts/shape  time/events

local FIRST_BACKOFF_MS, LONGEST_BACKOFF_MS = 1000, 60000

local MEMORY, GPU = 'memory', 'gpu'

-- What is asked for then: twice of what was declared, or what was used and a quarter, whichever is more.
local TIMES, ABOVE_USED = 2, 1.25

-- How long after its attempt a function is tried again: as it asks, the last that it names for all that follow.
local function pause_ms(job, attempts, jitter)
  local asked = NumberList.read(Job.option(job, 'after') or '')
  local ms = asked[math.min(attempts, #asked)]
  return ms and tonumber(ms) or math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ^ (attempts - 1)) * jitter
end

-- -> 'retrying', 'failed' or 'failed+callback' (its on_failure is still to be run). `jitter` is a factor around 1.
function Failing.job(job, error, message, body, is_retryable, jitter)
  if job.bent then
    return Bent.fail(job)
  end
  local attempts = tonumber(job.attempts or 0)
  if is_retryable and attempts <= tonumber(job.retries or 0) then
    Job.set(job, 'shunned', job.node, 'last_error', error, 'last_message', message)
    Admit.later(job, math.floor(Call.now + pause_ms(job, attempts, jitter)))
    return 'retrying'
  end
  Job.set(job, 'error', error, 'message', message)
  Ending.job(job, 'failed', body)
  return job.failure_callback_name and 'failed+callback' or 'failed'
end

-- The same where no agent calls that could run its on_failure: that is noted, for whoever ticks. A function of which
-- nothing is to be kept is kept until then. -> 'retrying' or 'failed'
function Failing.without_agent(job, error, message, exc_string, is_retryable)
  if job.failure_callback_name and tonumber(job.failure_ttl or nil) == 0 then
    job.failure_ttl = '60'
  end
  local outcome = Failing.job(job, error, message, {'exc_string', exc_string}, is_retryable, 1)
  if outcome == 'failed+callback' then
    redis.call('RPUSH', K.callbacks, job.id)
    outcome = 'failed'
  end
  if outcome ~= 'retrying' then
    Events.emit('failed', 'job', job.id, 'error', error)
  end
  return outcome
end

-- The attempt ended with its child process; `result` is texts/result.
function Failing.died(job, result, node_name)
  local message, exc_string = Deaths.count(job, node_name, result.message)
  local outcome
  if message then
    -- Its agent knows of one death alone, and not what on_failure is to be told.
    outcome = Failing.without_agent(job, Deaths.ERROR, message, exc_string, false)
  else
    outcome = Failing.job(job, result.error, result.message, {'exc_string', result.body}, result.is_retryable, result.jitter)
  end
  Deaths.blame(job, node_name, false)
  return outcome
end

-- Whether an attempt that is lost with its node costs a retry and no more.
local function outlives_node(job)
  return Job.option(job, 'loss') ~= 'fail'
end

-- An attempt that was lost with its node, or taken from it: the cause is of texts/loss.
function Failing.lost(job, node_name, cause)
  local is_death, message, exc_string = Loss.is_death(cause), nil, nil
  if is_death then
    message, exc_string = Deaths.count(job, node_name, 'the node was lost')
  end
  if message then
    Failing.without_agent(job, Deaths.ERROR, message, exc_string, false)
  else
    Failing.without_agent(job, 'handoff.errors.NodeLost', Loss.write(node_name, cause),
      ExcString.of_loss(Loss.kind(cause)), outlives_node(job))
  end
  if is_death then
    Deaths.blame(job, node_name, true)
  end
end

-- The same where the agent of the node calls.
function Failing.evicted(job, node_name)
  return Failing.job(job, 'handoff.errors.NodeLost', Loss.write(node_name, 'drained'),
    {'exc_string', ExcString.of_loss('drained')}, outlives_node(job), 1)
end

local function declared_by(job, resource)
  local variant = Demand.read(job.demand)[tonumber(job.variant or 0) + 1]
  return Cost.by_name(Shape.read(variant.shape).cost)[resource] or 0
end

-- What it is to be tried with, if it is.
local function wanted_by(job, declared, used)
  if Job.option(job, 'exceeded') ~= 'grow' or job.grown then
    return nil
  end
  return math.max(TIMES * declared, math.ceil(ABOVE_USED * used))
end

local function grow(job, demand, resource, wanted)
  Job.set(job, 'grown', job.demand, 'demand', demand, 'retries', Number.text(tonumber(job.retries or 0) + 1))
  if job.base then
    Job.set(job, 'base', Demand.with_least(job.base, resource, wanted))
  end
end

-- What its job has as message: what was declared, used and wanted, in units; of memory of gpus a 1 behind, and 0 for what
-- was not wanted.
local function told(resource, declared, used, wanted)
  local numbers = {declared, used, wanted}
  if resource ~= MEMORY then
    numbers[3], numbers[4] = wanted or 0, 1
  end
  for i, units in ipairs(numbers) do
    numbers[i] = Number.text(units)
  end
  return NumberList.write(numbers)
end

-- The attempt was stopped because it used more memory than its function had declared; `result` is texts/result. Where that
-- asks for it, it is tried with more: once, whatever retries are left.
function Failing.exceeded(job, result)
  local of_gpus = Result.gpu_memory_mb(result.usage)
  local resource = of_gpus and Resource.memory(GPU) or MEMORY
  local used = (of_gpus or Result.memory_mb(result.usage)) * Resource.UNIT
  local declared = declared_by(job, resource)
  local wanted = not job.bent and wanted_by(job, declared, used) or nil
  local demand = wanted and Demand.with_least(Groups.demand(job), resource, wanted)
  if demand and Feasible.count(Demand.read(demand)) > 0 then
    grow(job, demand, resource, wanted)
    Job.set(job, 'last_error', result.error, 'last_message', told(resource, declared, used))
    Admit.later(job, math.floor(Call.now))
    return 'retrying'
  end
  return Failing.job(job, result.error, told(resource, declared, used, wanted), {'exc_string', result.body}, false, 1)
end
