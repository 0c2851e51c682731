-- Who holds what a function waits for, on the node where it lacks least.
--
-- KEYS     open  held  claims  rq_job
-- @include lib/kinds

-- Records that are read of one node, and those of them that are told.
local MOST_RECORDS, MOST_HOLDERS = 1000, 10
-- Of more nodes than that, the nearest is looked for among those that lack one thing only, of which so many are tried.
local MOST_NEAR, MOST_TRIED = 16, 16

-- Of nodes, for each want those that have all the others: AND from both ends, so that it takes as many steps as wants.
local function having_others(side, wants, nodes)
  local before, after, others = {[0] = nodes}, {[#wants + 1] = nodes}, {}
  for i = 1, #wants do
    before[i] = before[i - 1] and satisfying(side, before[i - 1], {wants[i]})
  end
  for i = #wants, 1, -1 do
    after[i] = after[i + 1] and satisfying(side, after[i + 1], {wants[i]})
  end
  for i = 1, #wants do
    others[i] = before[i - 1] and after[i + 1] and both(before[i - 1], after[i + 1])
  end
  return others, before[#wants]
end

-- All that the index may say of a resource, and what one of it is in units.
local function forms_of(resource)
  local family = family_of(resource)
  return {{resource, 1}, {resource .. '#idle', UNIT}, {resource .. '#share', 1},
    family ~= resource and {family .. '#memory', 1} or nil}
end

-- Of nodes that lack nothing, or one resource only, the one that has the most of that.
local function nearest_by_one(shape, nodes)
  local wants = wants_of_node(shape)
  local others, all = having_others('free', wants, nodes)
  if all and first_of(all) >= 0 then
    return distance(node_at(first_of(all)), shape)
  end
  local best, looks = nil, 0
  for i, want in ipairs(wants) do
    if looks < MOST_TRIED and others[i] and first_of(others[i]) >= 0 then
      looks = looks + 1
      for _, index in ipairs(forms_of(want[1])) do
        local value, most = largest('free', index[1], others[i])
        local found = (value > 0 or not best) and distance(node_at(first_of(most)), shape)
        best = found and is_nearer(found, best) and found or best
      end
    end
  end
  return best
end

-- The node that lacks least of what the shape wants, of those that could ever hold it: where something is held for it,
-- that one. -> nil or {node, lacks, gap}
local function nearest_for(shape, rank)
  local own = own_hold(rank)
  if own and allows(own, shape.terms) and has_room({free = values_of(own, 'cap')}, shape) then
    return distance(own, shape)
  end
  local nodes = without(allowing(shape.terms, K.open), barred_nodes(shape, rank))
  nodes = satisfying('cap', nodes, wants_of_node(shape))
  local best = nodes and redis.call('BITCOUNT', nodes) > MOST_NEAR and nearest_by_one(shape, nodes)
  local looks = 0
  if nodes and not best then
    each_of(nodes, first_of, function(node)
      local found = distance(node, shape)
      best = is_nearer(found, best) and found or best
      looks = looks + 1
      return looks == MOST_NEAR
    end)
  end
  drop_kept()
  return best or nil
end

-- Whether a cost has something of one of the families, {gpu = true}.
local function uses(cost, of)
  for _, want in ipairs(shape_of(cost).wants) do
    if of[family_of(want[1])] then
      return true
    end
  end
  return false
end

local function is_older(one, other)
  return one.since < other.since or (one.since == other.since and one.id < other.id)
end

-- Who holds something of these families on a node, or of what the cluster shares, since longest first.
-- -> {{id, node, since, cost, devices, shared_cost}, ...}
local function records_on(node, resources)
  local of, found, seen, cursor, count = {}, {}, {}, '0', 0
  for _, resource in ipairs(resources) do
    of[family_of(resource)] = true
  end
  repeat
    local page = next(of) and redis.call('HSCAN', K.held .. node.name, cursor, 'COUNT', 250) or {'0', {}}
    cursor = page[1]
    for i = 1, #page[2], 2 do
      local id = page[2][i]
      local cost, devices, shared_cost, since = parse_record(page[2][i + 1])
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

-- Who holds what is lacked there, and what is lacked of what the cluster shares; each once.
local function holders_of(shape, nearest)
  local found, seen = nearest and records_on(nearest.node, nearest.lacks) or {}, {}
  for _, record in ipairs(found) do
    seen[record.id] = true
  end
  for _, record in ipairs(records_on(load_shared(), missing_tokens(shape))) do
    found[#found + 1] = not seen[record.id] and record or nil
  end
  table.sort(found, is_older)
  return found
end

-- -> {job or claim, the user's id of it or '', node name, since, cost, cost of what is shared}
local function told_record(record)
  local job_id = string.match(record.id, '^([%w_-]+):%d+$')
  local node = record.node
  if node == SHARED then
    node = job_id and redis.call('HGET', K.rq_job .. job_id, 'h_node') or redis.call('HGET', K.claims, record.id) or ''
  end
  local function_id = job_id and (redis.call('HGET', K.rq_job .. job_id, 'h_function') or job_id) or ''
  return {job_id or record.id, function_id, node, text(record.since), record.cost, record.shared_cost}
end

local function told_records(records)
  local told = {}
  for i = 1, math.min(#records, MOST_HOLDERS) do
    told[i] = told_record(records[i])
  end
  return told
end
