-- A run that is stopped.
--
-- KEYS     run
-- @include jobs/cancel  jobs/job  runs/members  runs/run  runs/steps

local WHY = {failed = 'failed', timeout = 'took too long', canceled = 'was canceled', detached = 'was left alone'}

-- What has not started of it is canceled, and what runs is stopped.
function Stopping.stop(step)
  local run = step.run
  local reason, dag = unpack(redis.call('HMGET', K.run .. run, 'reason', 'dag'))
  local why = "its run '" .. (dag or '') .. "' " .. (WHY[reason or ''] or '')
  return Steps.each_function(step, function(number)
    if not Members.has(run, number) then
      return Steps.SMALL
    end
    local job, is_there = Members.job(run, number)
    if is_there and not job.cancel then
      Job.set(job, 'message', why)
    end
    if not is_there or not (Cancel.job(job, 'run', run) or job.cancel) then
      Run.leave(job, 'canceled', run)
    end
    return Steps.STEP
  end)
end
