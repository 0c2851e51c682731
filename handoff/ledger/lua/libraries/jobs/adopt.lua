-- Jobs that came by rq's own hands (requeued, enqueued past us) get what a submit would have given them.
--
-- KEYS     rq_job  rq_results
-- @include jobs/admit  jobs/dependencies  jobs/executions  jobs/job  jobs/telling  jobs/unique  nodes/reservations  runs/members  texts/cost
-- @include texts/demand  texts/reservation  texts/resource  texts/run_id  time/events

-- Brought back after it was counted in its run, or after that has ended: the limit of the run is not for it.
local function leave_limit(job)
  for _, name in ipairs({'demand', 'base'}) do
    local without = job[name] and Demand.without(job[name], RunId.token(job.run))
    if without ~= job[name] then
      Job.set(job, name, without)
    end
  end
end

-- What has no id of rq's is left alone: nobody could read the name of its reservation.
function Adopt.job(job)
  if not Reservation.is_job_id(job.id) then
    return
  end
  local id = Job.reservation(job)
  -- One that is placed stands on a second queue by mistake.
  if job.node and Reservations.has(job.node, id) and not Executions.has(job.node, id) then
    return
  end
  if job.is_foreign then
    Job.set(job, 'demand', Cost.write({{Resource.SLOTS, Resource.UNIT}}), 'rank', Job.next_rank(0))
  end
  if job.state == 'deferred' and not job.run then
    Dependencies.leave(job)
    Job.blank(job, 'state')
  end
  if job.cancel then
    Job.unset(job, 'cancel')
  end
  if job.run and not Members.has(job.run, RunId.number(job.id)) then
    leave_limit(job)
  end
  -- rq's requeue lets the time run on for which it was kept after its last end.
  redis.call('PERSIST', K.rq_job .. job.id)
  redis.call('PERSIST', K.rq_results .. job.id)
  Telling.expire(job, -1)
  Unique.come_back(job)
  Events.emit('adopted', 'job', job.id)
  Admit.job(job)
end
