-- Who has reserved what a function waits for.
--
-- KEYS     claim_owners  claims  reservations
-- @include jobs/job  nodes/shared  texts/cost  texts/number  texts/reservation  texts/resource

-- Records that are read of one node, and those of them that are told.
local MOST_RECORDS = 1000
Holders.MOST_TOLD = 10

-- Whether a cost has something of one of the families, {gpu = true}.
local function uses(cost, of)
  for _, want in ipairs(Cost.read(cost)) do
    if of[Resource.family(want[1])] then
      return true
    end
  end
  return false
end

-- What other programs use nobody waits for to end: it comes behind all others.
local function is_older(one, other)
  local external = Reservation.EXTERNAL
  if (one.id == external) ~= (other.id == external) then
    return other.id == external
  end
  return one.since < other.since or (one.since == other.since and one.id < other.id)
end

-- Who has reserved something of these families on a node, or of what the cluster shares, since longest first.
-- -> {{id, node, since, cost, devices, shared_cost}, ...}
function Holders.on(node, resources)
  local of, found, seen, cursor, count = {}, {}, {}, '0', 0
  for _, resource in ipairs(resources) do
    of[Resource.family(resource)] = true
  end
  repeat
    local page = next(of) and redis.call('HSCAN', K.reservations .. node.name, cursor, 'COUNT', 250) or {'0', {}}
    cursor = page[1]
    for i = 1, #page[2], 2 do
      local id = page[2][i]
      local cost, devices, shared_cost, since = Reservation.read(page[2][i + 1])
      if not seen[id] and uses(cost, of) then
        found[#found + 1] = {id = id, node = node.name, since = since, cost = cost, devices = devices,
          shared_cost = shared_cost}
      end
      seen[id] = true
      count = count + 1
    end
  until cursor == '0' or count >= MOST_RECORDS
  table.sort(found, is_older)
  return found
end

-- Who has reserved what is lacked there, and what is lacked of what the cluster shares; each once.
function Holders.of(shape, nearest)
  local found, seen = nearest and Holders.on(nearest.node, nearest.lacks) or {}, {}
  for _, record in ipairs(found) do
    seen[record.id] = true
  end
  for _, record in ipairs(Holders.on(Shared.load(), Shared.missing(shape))) do
    found[#found + 1] = not seen[record.id] and record or nil
  end
  table.sort(found, is_older)
  -- It is told first, for of many only some are.
  local last = found[#found]
  if last and last.id == Reservation.EXTERNAL then
    table.insert(found, 1, table.remove(found))
  end
  return found
end

-- -> {job or claim, the user's id of it or '', node name, since, cost, cost of what is shared, the owner of a claim or ''}
local function told_record(record)
  local job_id = Reservation.parts(record.id)
  local node = record.node
  if node == Shared.NAME then
    node = job_id and Job.get(job_id, 'node') or redis.call('HGET', K.claims, record.id) or ''
  end
  local function_id = job_id and (Job.get(job_id, 'function') or job_id) or ''
  local owner = not job_id and redis.call('HGET', K.claim_owners, record.id) or ''
  return {job_id or record.id, function_id, node, Number.text(record.since), record.cost, record.shared_cost, owner}
end

function Holders.told(records)
  local told = {}
  for i = 1, math.min(#records, Holders.MOST_TOLD) do
    told[i] = told_record(records[i])
  end
  return told
end
