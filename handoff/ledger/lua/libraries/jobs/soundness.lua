-- What stands in the hash of a job, judged before anybody counts with it: RQ's tools write there, and so may others.
--
-- @include jobs/statuses  texts/cost  texts/demand  texts/number  texts/options  texts/resource  texts/run_id  texts/terms

local STATES = {deferred = true, waiting = true, delayed = true, parked = true}

local MOST_ATTEMPTS = 10 ^ 9

local function is_attempts(text)
  return Number.whole(text, 0, MOST_ATTEMPTS)
end

-- Ranks are below 2^52.
local MOST_RANK = 2 ^ 52 - 1

-- Whether fields can be read that scripts count with, or look others up by. What others wrote there counts as absent, and
-- `bent` names it; so does what has to be there. No operation ends because of it: it ends the function (jobs/bent).
Soundness.JUDGES = {
  since = Number.whole,
  variant = Number.whole,
  placement = Number.whole,
  attempts = is_attempts,
  retries = is_attempts,
  evicted = Number.whole,
  group = Number.whole,
  demand = Demand.is_sound,
  base = Demand.is_sound,
  grown = Demand.is_sound,
  rank = function(text) return Number.whole(text, 0, MOST_RANK) end,
  state = function(text) return STATES[text] end,
  node = Terms.is_node_name,
  options = Options.is_sound,
}

local function drop(job, name)
  job[name], job.bent = nil, name
end

-- What has to be there, and what fields say of each other.
function Soundness.look_at(job)
  if not job.status or not Statuses.ALL[job.status] then
    job.status, job.bent = 'created', 'status'
  end
  if not job.origin then
    job.origin, job.bent = Call.lobby, 'origin'
  end
  if job.run and job.run ~= RunId.parts(job.id) then
    job.run, job.bent = RunId.parts(job.id), 'run'
  end
  if job.group and not (job.base and job.run) then
    drop(job, 'group')
  end
  if job.reserved and not (job.reserved == '1' and job.run) then
    drop(job, 'reserved')
  end
  -- Neither is there in what came by rq's own hands.
  job.is_foreign = not job.demand and not job.rank and not job.bent
  if not job.is_foreign and not (job.demand and job.rank) then
    job.bent = job.bent or (job.demand and 'rank' or 'demand')
  end
  job.demand = job.demand or Cost.write({{Resource.SLOTS, Resource.UNIT}})
  if job.status == 'deferred' and not job.state and not job.is_foreign then
    job.bent = job.bent or 'state'
  end
  if job.status == 'started' and not job.placement then
    job.bent = 'placement'
  end
  if job.variant and not Demand.read(job.demand)[tonumber(job.variant) + 1] then
    drop(job, 'variant')
  end
end
