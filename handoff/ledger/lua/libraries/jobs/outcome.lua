-- What came of an attempt, stored: the end of its function, a delayed retry, or as if it had not been.
--
-- @include jobs/admit  jobs/deaths  jobs/ending  jobs/executions  jobs/failing  jobs/job  time/events

-- Results larger than that are read by the children that need them, not sent along by `take`.
local LARGE = 16384

-- The fields of a result entry.
local function entry_of(job, result)
  local entry = result.body == '' and {} or {'return_value', result.body}
  local size = #result.body
  for number = 1, #result.forms do
    local form = result.forms[number]
    entry[#entry + 1], entry[#entry + 2] = 'form:' .. number, form
    size = size + #form
  end
  if job.run and size > LARGE then
    Job.set(job, 'bulk', '1')
  end
  return entry
end

-- `result` is texts/result, of the attempt that `placement` names on the node `name`. -> what is answered
function Outcome.store(job, result, name, placement)
  local kind = result.kind
  if result.usage ~= '' then
    Job.set(job, 'usage', result.usage)
  end
  if job.cancel then
    Ending.job(job, 'canceled', {})
    Events.emit('canceled', 'job', job.id)
    return 'canceled'
  end
  if kind == 'unstarted' then
    Executions.undo(job)
    Job.set(job, 'shunned', name)
    Admit.ready(job)
    return 'returned'
  end
  if kind == 'finished' then
    Ending.job(job, 'finished', entry_of(job, result))
    return 'stored'
  end
  if kind == 'stopped' and job.evicted == placement then
    return Failing.evicted(job, name)
  end
  if kind == 'stopped' then
    Job.set(job, 'error', result.error, 'message', result.message)
    Ending.job(job, 'stopped', {'exc_string', result.body})
    return 'stopped'
  end
  if kind == 'exceeded' then
    return Failing.exceeded(job, result)
  end
  if kind == 'died' then
    return Failing.died(job, result, name)
  end
  Deaths.outlived(job)
  return Failing.job(job, result.error, result.message, {'exc_string', result.body}, result.is_retryable, result.jitter)
end
