-- What has to end first so that a function could start.
--
-- @include nodes/fit  nodes/holds  nodes/node_devices  nodes/shared  nodes/values  texts/cost  why/holders

-- Whether a shape had room on a node, were these given back.
local function has_room_without(node, shape, records)
  local after = {name = node.name, cap = node.cap, used = {}, dev = {}}
  for resource, units in pairs(node.used) do
    after.used[resource] = units
  end
  for family, listed in pairs(node.dev) do
    after.dev[family] = {}
    for i, each in ipairs(listed) do
      after.dev[family][i] = {index = each.index, share = each.share, memory = each.memory, total = each.total}
    end
  end
  for _, record in ipairs(records) do
    for _, want in ipairs(Cost.read(record.cost)) do
      after.used[want[1]] = (after.used[want[1]] or 0) - want[2]
    end
    NodeDevices.give_back(after, record.devices)
  end
  return Fit.in_amounts(Values.of(after, 'free'), shape)
end

-- The first so many, without the one at `left_out`.
local function first_few(records, count, left_out)
  local few = {}
  for i = 1, count do
    few[#few + 1] = i ~= left_out and records[i] or nil
  end
  return few
end

-- Of those that have reserved what is lacked, the longest since, as few as give the node room: nil where all do not.
local function releases_on(node, shape, lacks)
  if #lacks == 0 then
    return {}
  end
  local records = Holders.on(node, lacks)
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
  for i = #records - 1, math.max(1, #records - Holders.MOST_TOLD), -1 do
    local fewer = first_few(records, #records, i)
    records = has_room_without(node, shape, fewer) and fewer or records
  end
  return records
end

-- Whether the shared tokens sufficed, were these given back, but for the one at `left_out`.
local function has_tokens_without(shape, records, left_out)
  local shared, used = Shared.load(), {}
  for i, record in ipairs(records) do
    local cost = record.node == Shared.NAME and record.cost or record.shared_cost
    for _, want in ipairs(i ~= left_out and Cost.read(cost) or {}) do
      used[want[1]] = (used[want[1]] or shared.used[want[1]] or 0) - want[2]
    end
  end
  for _, want in ipairs(Shared.tokens_of(shape)) do
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
  local shared = Shared.load()
  if shared.over or Holds.bars(shared, shape, rank) then
    return nil
  end
  local is_chosen, own = {}, #chosen
  for _, record in ipairs(chosen) do
    is_chosen[record.id] = true
  end
  for _, record in ipairs(Holders.on(shared, Shared.missing(shape))) do
    if not is_chosen[record.id] and not has_tokens_without(shape, chosen) then
      chosen[#chosen + 1] = record
    end
  end
  if not has_tokens_without(shape, chosen) then
    return nil
  end
  for i = #chosen - 1, math.max(own + 1, #chosen - Holders.MOST_TOLD), -1 do
    if has_tokens_without(shape, chosen, i) then
      table.remove(chosen, i)
    end
  end
  return chosen
end

function Releases.find(shape, nearest, rank)
  local chosen = nearest and releases_on(nearest.node, shape, nearest.lacks)
  chosen = chosen and releases_of_tokens(shape, chosen, rank)
  return chosen and #chosen > 0 and chosen or nil
end
