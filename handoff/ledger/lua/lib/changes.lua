-- The smallest change that would let a function start: another variant, one amount lowered, or what has to end first.
--
-- KEYS     open  live
-- @include lib/holders

-- Whether a shape had room on a node, were these given back.
local function has_room_without(node, shape, records)
  local after = {name = node.name, cap = node.cap, used = {}, dev = {}}
  for resource, units in pairs(node.used) do
    after.used[resource] = units
  end
  local devices = {}
  for resource, listed in pairs(node.dev) do
    after.dev[resource], devices[resource] = {}, {}
    for i, each in ipairs(listed) do
      local copy = {index = each.index, share = each.share, memory = each.memory, total = each.total}
      after.dev[resource][i], devices[resource][each.index] = copy, copy
    end
  end
  for _, record in ipairs(records) do
    for _, want in ipairs(shape_of(record.cost).wants) do
      after.used[want[1]] = (after.used[want[1]] or 0) - want[2]
    end
    each_device(record.devices, function(resource, index, units, is_memory)
      local device = devices[resource] and devices[resource][index]
      if device and is_memory and device.total then
        device.memory = device.memory + units
      elseif device and not is_memory then
        device.share = device.share + units
      end
    end)
  end
  return has_room({free = values_of(after, 'free')}, shape)
end

-- The first so many, without the one at `left_out`.
local function first_few(records, count, left_out)
  local few = {}
  for i = 1, count do
    few[#few + 1] = i ~= left_out and records[i] or nil
  end
  return few
end

-- Of those that hold what is lacked, the longest since, as few as give the node room: nil where all do not.
local function releases_on(node, shape, lacks)
  if #lacks == 0 then
    return {}
  end
  local records = records_on(node, lacks)
  if not has_room_without(node, shape, records) then
    return nil
  end
  local too_few, enough = 0, #records
  while enough - too_few > 1 do
    local middle = math.floor((too_few + enough) / 2)
    if has_room_without(node, shape, first_few(records, middle)) then
      enough = middle
    else
      too_few = middle
    end
  end
  records = first_few(records, enough)
  -- One may give back what another already gave enough of.
  for i = #records - 1, math.max(1, #records - MOST_HOLDERS), -1 do
    local fewer = first_few(records, #records, i)
    records = has_room_without(node, shape, fewer) and fewer or records
  end
  return records
end

-- Whether the shared tokens sufficed, were these given back, but for the one at `left_out`.
local function has_tokens_without(shape, records, left_out)
  local shared, used = load_shared(), {}
  for i, record in ipairs(records) do
    local cost = record.node == SHARED and record.cost or record.shared_cost
    for _, want in ipairs(i ~= left_out and shape_of(cost).wants or {}) do
      used[want[1]] = (used[want[1]] or shared.used[want[1]] or 0) - want[2]
    end
  end
  for _, want in ipairs(tokens_of(shape)) do
    if shared.cap[want[1]] - (used[want[1]] or shared.used[want[1]] or 0) < want[2] then
      return false
    end
  end
  return true
end

-- The same of what the cluster shares, on top of what was chosen already.
local function releases_of_tokens(shape, chosen, rank)
  if has_tokens_without(shape, chosen) then
    return chosen
  end
  local shared = load_shared()
  if shared.over or holds_back(shared, shape, rank) then
    return nil
  end
  local is_chosen, own = {}, #chosen
  for _, record in ipairs(chosen) do
    is_chosen[record.id] = true
  end
  for _, record in ipairs(records_on(shared, missing_tokens(shape))) do
    if not is_chosen[record.id] and not has_tokens_without(shape, chosen) then
      chosen[#chosen + 1] = record
    end
  end
  if not has_tokens_without(shape, chosen) then
    return nil
  end
  for i = #chosen - 1, math.max(own + 1, #chosen - MOST_HOLDERS), -1 do
    if has_tokens_without(shape, chosen, i) then
      table.remove(chosen, i)
    end
  end
  return chosen
end

local function releases_for(shape, nearest, rank)
  local chosen = nearest and releases_on(nearest.node, shape, nearest.lacks)
  chosen = chosen and releases_of_tokens(shape, chosen, rank)
  return chosen and #chosen > 0 and chosen or nil
end

-- The most units below what is wanted that one of the nodes has of a resource, and a bitmap of those that have it.
local function most_below(side, want, nodes)
  local most, where = 0, nil
  for _, index in ipairs(forms_of(want[1])) do
    local value, those = largest(side, index[1], nodes)
    if value * index[2] > most and value * index[2] < want[2] then
      most, where = value * index[2], those
    end
  end
  return most, where
end

-- The one amount to lower, by as small a part as possible, so that some node had room: `side` is `free`, or `cap` for
-- room when idle. -> nil or {part, resource, wanted, there, node name, how many nodes}
local function lowered(shape, rank, side)
  local shared = load_shared()
  local nodes = allowing(shape.terms, K.live)
  if side == 'free' then
    nodes = without(both(nodes, K.open), barred_nodes(shape, rank))
  end
  local best
  local function consider_lower(want, there, where)
    local part = (want[2] - there) / want[2]
    if there > 0 and there < want[2] and (not best or part < best.part) then
      best = {part = part, resource = want[1], wanted = want[2], there = there,
        node = node_at(first_of(where)).name, nodes = redis.call('BITCOUNT', where)}
    end
  end

  local wants, tokens, short = wants_of_node(shape), tokens_of(shape), {}
  for _, want in ipairs(tokens) do
    local there = side == 'cap' and shared.cap[want[1]] or shared.free[want[1]] or 0
    if there < want[2] then
      short[#short + 1] = {want, there}
    end
  end
  local is_barred = side == 'free' and #tokens > 0 and (not is_open(shared) or holds_back(shared, shape, rank))
  local others, all = having_others(side, wants, nodes)
  if all and first_of(all) >= 0 then
    if #short == 1 and not is_barred then
      consider_lower(short[1][1], short[1][2], all)
    end
  elseif #short == 0 and not is_barred then
    local looks = 0
    for i, want in ipairs(wants) do
      if want[1] ~= 'slots' and looks < MOST_TRIED and others[i] and first_of(others[i]) >= 0 then
        local there, where = most_below(side, want, others[i])
        consider_lower(want, there, where)
        looks = looks + 1
      end
    end
  end
  drop_kept()
  return best
end

local function lowest_change(asked, rank, side)
  local best
  for _, each in ipairs(asked) do
    local found = lowered(each.shape, rank, side)
    if found and (not best or found.part < best.part) then
      best = found
      best.number = each.number
    end
  end
  return best and {side == 'free' and 'lower' or 'lower_capacity', best.number, best.resource, text(best.wanted),
    text(best.there), best.node, best.nodes}
end

-- The smallest change after which it could start now, or if no node is able to hold it, after which one would be.
-- `asked` and `others` are the variants that count and those that do not yet, as {number, shape}.
-- -> {'variant', variant, node}, {'lower' or 'lower_capacity', variant, resource, from, to, node, how many nodes},
-- {'releases', variant, node, count, {holder, ...}} or {}
local function smallest_change(asked, others, nearest, rank, choose, is_able)
  for _, each in ipairs(others) do
    local node = find_node(each.shape, rank, choose)
    if node then
      return {'variant', each.number, node.name}
    end
  end
  local change = lowest_change(asked, rank, 'free')
  local chosen = not change and nearest and releases_for(nearest.variant.shape, nearest, rank)
  if chosen then
    return {'releases', nearest.variant.number, nearest.node.name, #chosen, told_records(chosen)}
  end
  return change or (not is_able and lowest_change(asked, rank, 'cap')) or {}
end
