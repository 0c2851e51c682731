-- Reserving for several functions at once, each group of them on one node: all or nothing.
--
-- A group is `{strategy, terms (shape of its constraints), rank, {id, costs = {{shape}, ...}}, ...}`; the n-th costs of
-- all its entries are one option, and the first option that fits anywhere is taken. What takes an entry's cost from a
-- node, and what gives it back, is the caller's: `gang.take(node, entry, cost)`, `gang.drop(entry)`.
--
-- KEYS     open  scratch
-- @lazy
-- @include lib/find
-- @include lib/strategy
-- @include lib/shortage

local function undo(gang, from)
  for i = #gang.done, from, -1 do
    gang.drop(gang.done[i])
    gang.done[i] = nil
  end
end

local function take_group(gang, group, option, node)
  local first = #gang.done + 1
  for _, entry in ipairs(group) do
    local cost = entry.costs[option].shape
    if not fits(node, shape_of(cost), group.rank) then
      undo(gang, first)
      return false
    end
    gang.take(node, entry, cost)
    entry.node = node
    gang.done[#gang.done + 1] = entry
  end
  return true
end

local function place_among(gang, group, option, names)
  local cost = group[1].costs[option].shape
  local nodes = {}
  for i, name in ipairs(names) do
    local node = load_node(name)
    if node and allows(node, group.shape.terms) and fits(node, shape_of(cost), group.rank) then
      nodes[#nodes + 1] = {node, i}
    end
  end
  if group.strategy == 'load_balanced' then
    table.sort(nodes, function(one, other)
      local left, right = one[1].free[SPARE], other[1].free[SPARE]
      return left > right or (left == right and one[2] < other[2])
    end)
  end
  for _, each in ipairs(nodes) do
    if take_group(gang, group, option, each[1]) then
      return true
    end
  end
  return false
end

-- What a node that takes all of them has at least: of each resource what the first wants, or the whole units of all.
local function least_cost(group, option)
  local sums, names, parts = {}, {}, {}
  for i, entry in ipairs(group) do
    for _, want in ipairs(shape_of(entry.costs[option].shape).wants) do
      if not sums[want[1]] then
        sums[want[1]], names[#names + 1] = 0, want[1]
      end
      if family_of(want[1]) ~= want[1] then
        sums[want[1]] = math.max(sums[want[1]], want[2])
      elseif i == 1 or want[2] % UNIT == 0 then
        sums[want[1]] = (i > 1 and sums[want[1]] % UNIT ~= 0 and 0 or sums[want[1]]) + want[2]
      end
    end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    if sums[name] > 0 then
      parts[#parts + 1] = name .. '=' .. text(sums[name])
    end
  end
  return table.concat(parts, ',')
end

-- Of all nodes. One that fits the first function may yet be too small for all of them.
local function place_anywhere(gang, group, option)
  local shape = shape_of(least_cost(group, option) .. group.shape.text)
  local untried = K.scratch .. 'untried'
  redis.call('BITOP', 'OR', untried, K.open, K.open)
  local placed, node = false, nil
  repeat
    node = find_node(shape, group.rank, strategy_named(group.strategy), untried)
    placed = node and take_group(gang, group, option, node)
    if node then
      redis.call('SETBIT', untried, node.position, 0)
    end
  until placed or not node or group.shape.pin ~= ''
  redis.call('DEL', untried)
  return placed
end

local function place_group(gang, group, names)
  for option in ipairs(group[1].costs) do
    local placed
    if names[1] then
      placed = place_among(gang, group, option, names)
    else
      placed = place_anywhere(gang, group, option)
    end
    if placed then
      return true
    end
  end
  return false
end

local function merged_wants(group)
  local sums, wants = {}, {}
  for _, entry in ipairs(group) do
    for _, want in ipairs(shape_of(entry.costs[1].shape).wants) do
      sums[want[1]] = (sums[want[1]] or 0) + want[2]
    end
  end
  for resource, units in pairs(sums) do
    wants[#wants + 1] = {resource, units}
  end
  return wants
end

local function shortage_of(group)
  local pin = group.shape.pin
  local node = load_node(pin)
  local free_of = free_on(node or {name = pin, free = {}}, group.rank)
  if pin ~= '' then
    return shortage(merged_wants(group), free_of, node and excess_of(node) or {})
  end
  local open = allowing(group.shape.terms, K.open)
  local short = shortage(merged_wants(group), function(index)
    return load_shared().cap[index] and free_of(index) or largest('free', index, open)
  end, {})
  drop_scratch()
  return short
end

-- Place all groups, among the nodes named if there are any. -> nil, or the group that fits nowhere and what it is short
-- of: then nothing is taken.
local function place_gang(gang, groups, names)
  gang.done = {}
  for _, group in ipairs(groups) do
    if not place_group(gang, group, names) then
      local short = shortage_of(group)
      undo(gang, 1)
      return group, short
    end
  end
  return nil
end
