-- Looking now and then whether any node could hold a function (on_infeasible): found wanting at two looks in a row, it is
-- given up.
--
-- @include jobs/job  nodes/feasible  texts/demand  texts/timer  time/timers

-- -> whether one could now, and whether one could at the last look
function Fitness.look(job, ms)
  local is_able, was_unfit = Feasible.count(Demand.read(job.demand)) > 0, Job.get(job.id, 'unfit')
  Job.set(job, 'unfit', is_able and '0' or '1')
  Timers.set(Timer.of('unfit', job.id), Call.now + ms)
  return is_able, was_unfit ~= '1'
end

function Fitness.watch(job)
  local ms = Job.option(job, 'unfit')
  if ms then
    Fitness.look(job, tonumber(ms))
  end
end
