-- What follows from an end in a run, a slice at a time: by whoever ended it, and by every script with budget left.
--
-- @include jobs/cancel  jobs/job  jobs/releasing  runs/expiry  runs/leftovers  runs/members  runs/readiness  runs/regrouping
-- @include runs/run  runs/stopping  texts/leftover  texts/run_id  waiting/wake

-- Functions in front of one that became ready that are started before it.
local MOST_WOKEN = 8

-- By the kinds of what is left over. Not the functions themselves: a library is made when one of its names is asked for.
local DO = {
  follow = function(step) return Readiness.follow(step) end,
  skip = function(step) return Readiness.skip(step) end,
  stop = function(step) return Stopping.stop(step) end,
  unpark = function(step) return Regrouping.unpark(step) end,
  regroup = function(step) return Regrouping.regroup(step) end,
  disband = function(step) return Regrouping.disband(step) end,
  keep = function(step) return Expiry.keep(step) end,
  drop = function(step) return Expiry.drop(step) end,
  forget = function(step) return Expiry.forget(step) end,
  release = function(step) return Releasing.go_on(step) end,
}

function Consequences.knows(text)
  return DO[Leftover.read(text)] ~= nil
end

-- Take up what was left over until the budget is used, or nothing is left. -> the budget, the jobs that became ready,
-- whether nothing is left
local function take_up(budget)
  local ready = {}
  repeat
    local text, from = Leftovers.next()
    if not text then
      return budget, ready, true
    end
    local kind, run, number = Leftover.read(text)
    local cost, at = 1, nil
    if DO[kind] then
      cost, at = DO[kind]({run = run, number = number, from = from, budget = math.max(1, budget), ready = ready})
    else
      Leftovers.set_behind(text, from)
    end
    budget = budget - cost
    if at then
      Leftovers.put_back(text, at)
    end
  until budget <= 0
  return budget, ready, false
end

-- Whether one that became ready is so still: what was done after that may have ended it.
local function is_ready(job)
  if job.run then
    return Members.is_active(job.run, RunId.number(job.id))
  end
  return job.status == 'deferred' and job.state == 'deferred'
end

-- One that became ready. `node`: see below. -> the budget that is left
local function serve(job, budget, node)
  if not is_ready(job) then
    return budget
  end
  if job.run and Run.state(job.run) ~= 'running' then
    Cancel.job(job, 'run', job.run)
    return budget
  end
  if node then
    local most = math.max(1, math.min(MOST_WOKEN, budget))
    budget = budget - most + Wake.node(node, most, tonumber(job.rank))
  end
  Readiness.serve(job, node)
  return budget
end

-- Do what was left over, and let those that became ready be placed or wait, the best rank first. `node` is one whose room
-- grew in this script and was not yet offered: who waits in front of a function that became ready is tried there first.
-- -> the budget that is left
function Consequences.work_off(budget, node)
  local ready, is_done
  repeat
    budget, ready, is_done = take_up(budget)
    table.sort(ready, Job.before)
    for i, job in ipairs(ready) do
      -- One may have been made ready once more.
      if i == 1 or ready[i - 1].id ~= job.id then
        budget = serve(job, budget, node)
      end
    end
  until is_done or budget <= 0
  return budget
end
