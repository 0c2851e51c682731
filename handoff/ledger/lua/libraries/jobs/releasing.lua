-- What waits for an end outside of runs goes on, a slice at a time and the best rank first. The step is {run = how that has
-- ended, number = its id, from = the rank that was come to}.
--
-- KEYS     dependents
-- @include jobs/bent  jobs/dependencies  jobs/job  runs/steps  texts/number

-- -> what it costs
local function look_at(step, job_id)
  local id, job = step.number, Job.read(job_id)
  local waits = job and job.status == 'deferred' and job.state == 'deferred'
  if waits and not Dependencies.is_met(job, step.run) then
    return Steps.SMALL
  end
  if not Dependencies.take_off(id, job_id) or not waits then
    return Steps.SMALL
  end
  local is_last = Dependencies.count_down(job)
  if is_last == nil then
    job.bent = job.bent or 'to_come'
  end
  if Bent.ends(job) then
    return Steps.STEP
  elseif not is_last then
    return Steps.SMALL
  end
  step.ready[#step.ready + 1] = job
  return Steps.STEP
end

function Releasing.go_on(step)
  local cost, most = 0, math.max(1, math.ceil(step.budget / Steps.SMALL))
  local page = redis.call('ZRANGEBYSCORE', K.dependents .. step.number, '(' .. Number.text(step.from), '+inf', 'WITHSCORES',
    'LIMIT', 0, most)
  for i = 1, #page, 2 do
    if cost >= step.budget then
      return cost, tonumber(page[i - 1])
    end
    cost = cost + look_at(step, page[i])
  end
  if #page == 2 * most then
    return cost, tonumber(page[#page])
  end
  return cost + Steps.SMALL
end
