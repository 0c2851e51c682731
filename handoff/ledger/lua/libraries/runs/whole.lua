-- Reserving for all functions of a run before any starts.
--
-- Each `claim` of a slice is a group that goes to one node: strategy, terms, then a number and costs (joined by &) per
-- function. What a function reserves so is its own reservation: it starts with it when its dependencies have ended.
--
-- @include claims/all_or_nothing  jobs/job  nodes/reservations  runs/groups  texts/demand  texts/number
-- @include texts/reservation  texts/run_id  texts/shape

-- With which of its demand it starts: the options of a group are combinations, and what counts later is in between.
local function variant_of(job, cost)
  for i, variant in ipairs(Demand.read(job.demand)) do
    if variant.after == 0 and Shape.read(variant.shape).cost == cost then
      return i
    end
  end
  return 1
end

local function take(node, entry, cost)
  local job, placement = entry.job, Job.next_placement()
  local devices = Reservations.make(node, Reservation.id(job.id, placement), cost)
  Job.set(job, 'node', node.name, 'devices', devices, 'placement', placement, 'variant',
    Number.text(variant_of(job, cost) - 1), 'reserved', '1')
  if job.group then
    Groups.choose(job, node)
  end
end

local function drop(entry)
  local job = entry.job
  Reservations.give_back(entry.node, Job.reservation(job), 'undone')
  if job.group then
    Groups.leave_node(job.run, job.group, entry.node.name)
  end
  Job.unset(job, 'node', 'devices', 'placement', 'variant', 'reserved')
end

-- -> nil, or the group that fits nowhere and what it is short of: then nothing of this slice is reserved.
function Whole.reserve(run, claims)
  local groups = {}
  for i, claim in ipairs(claims) do
    local group = {number = claim.number, strategy = claim[1], shape = Shape.read(Shape.write('', claim[2])), rank = 0}
    for at = 3, #claim, 2 do
      local job = Job.read(RunId.job(run, claim[at]))
      group.rank = math.max(group.rank, tonumber(job.rank))
      group[#group + 1] = {job = job, costs = Demand.read(claim[at + 1])}
    end
    groups[i] = group
  end
  return AllOrNothing.place({take = take, drop = drop}, groups, {})
end
