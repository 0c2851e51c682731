-- Functions of a run that become ready, or never will.
--
-- KEYS     run_next
-- @include jobs/admit  jobs/bent  jobs/cancel  jobs/job  runs/members  runs/run  runs/steps  texts/run_id

-- A function has ended: those that take its result have one dependency less to come.
function Readiness.follow(step)
  local run = step.run
  local followers = redis.call('HGET', K.run_next .. run, step.number)
  if not followers then
    return Steps.SMALL
  end
  return Steps.each_number(step, followers, function(number)
    local missing, is_lost = Members.count_down(run, number)
    if missing ~= 0 then
      return Steps.SMALL
    end
    local job, is_there = Members.job(run, number)
    if is_there then
      job.bent = job.bent or (is_lost and 'run' or nil)
    end
    if is_there and Bent.ends(job) then
      return Steps.STEP
    end
    if not is_there or job.status ~= 'deferred' then
      Run.leave(job, 'canceled')
    else
      step.ready[#step.ready + 1] = job
    end
    return Steps.STEP
  end)
end

-- A function has not finished, and the run goes on: those that take its result are canceled.
function Readiness.skip(step)
  local run = step.run
  local followers = redis.call('HGET', K.run_next .. run, step.number)
  if not followers then
    return Steps.SMALL
  end
  local before, name = Job.get(RunId.job(run, step.number), 'culprit', 'function')
  local culprit = before or name or step.number
  return Steps.each_number(step, followers, function(number)
    if not Members.is_deferred(run, number) then
      return Steps.SMALL
    end
    local job, is_there = Members.job(run, number)
    if is_there and job.status == 'deferred' then
      Job.set(job, 'culprit', culprit, 'message', "its dependency '" .. culprit .. "' did not finish")
      Cancel.job(job, 'run', culprit)
    else
      Run.leave(job, 'canceled', culprit)
    end
    return Steps.STEP
  end)
end

-- A function of a run whose dependencies have ended. Its delay, if it has one, and the time that it may wait begin when it
-- is ready first.
function Readiness.serve(job, grown)
  if job.state ~= 'deferred' then
    Admit.job(job, Job.option(job, 'prefer'), grown)
    return
  end
  Admit.in_time(job, tonumber(Job.option(job, 'due') or 0), tonumber(Job.option(job, 'delay') or 0), nil, grown)
end
