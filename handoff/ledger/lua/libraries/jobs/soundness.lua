-- What stands in the hash of a job, judged before anybody counts with it: RQ's tools write there, and so may others.
--
-- @include jobs/statuses  texts/cost  texts/demand  texts/number  texts/options  texts/resource  texts/run_id  texts/terms

local STATES = {deferred = true, waiting = true, delayed = true, parked = true}

local COUNTS = {'since', 'variant', 'placement', 'attempts', 'retries', 'evicted', 'group'}

local MOST = {attempts = 10 ^ 9, retries = 10 ^ 9}

local DEMANDS = {'demand', 'base', 'grown'}

-- Ranks are below 2^52.
local MOST_RANK = 2 ^ 52 - 1

local function drop(job, name)
  job[name], job.bent = nil, name
end

-- What others wrote over what scripts count with, or look others up by, counts as absent, and `bent` names it; so does what
-- has to be there. No operation ends because of it: it ends the function (jobs/bent).
local function drop_bent(job)
  for i = 1, #COUNTS do
    local name = COUNTS[i]
    if job[name] and not Number.whole(job[name], 0, MOST[name]) then
      drop(job, name)
    end
  end
  for i = 1, #DEMANDS do
    local name = DEMANDS[i]
    if job[name] and not Demand.is_sound(job[name]) then
      drop(job, name)
    end
  end
  if job.rank and not Number.whole(job.rank, 0, MOST_RANK) then
    drop(job, 'rank')
  end
  if job.state and not STATES[job.state] then
    drop(job, 'state')
  end
  if job.node and not Terms.is_node_name(job.node) then
    drop(job, 'node')
  end
  if job.options and not Options.is_sound(job.options) then
    drop(job, 'options')
  end
  if not job.status or not Statuses.ALL[job.status] then
    job.status, job.bent = 'created', 'status'
  end
  if not job.origin then
    job.origin, job.bent = Call.lobby, 'origin'
  end
end

-- What fields say of each other.
function Soundness.look_at(job)
  drop_bent(job)
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
