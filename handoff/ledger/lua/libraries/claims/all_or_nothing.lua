-- Reserving for several functions at once, each group of them on one node: all or nothing.
--
-- A group is {strategy, shape (of its constraints alone), rank, {id, costs = {{shape}, ...}}, ...}; the n-th costs of
-- all its entries are one option, and the first option that fits anywhere is taken. What takes an entry's cost from a
-- node, and what gives it back, is the caller's: `caller.take(node, entry, cost)`, `caller.drop(entry)`.
--
-- KEYS     open
-- @include claims/shortage  nodes/constraints  nodes/find  nodes/fit  nodes/index  nodes/node  nodes/scratch
-- @include nodes/shared  nodes/strategies  nodes/values  texts/cost  texts/resource  texts/shape

local function undo(caller, done, from)
  for i = #done, from, -1 do
    caller.drop(done[i])
    done[i] = nil
  end
end

local function take_group(caller, done, group, option, node)
  local first = #done + 1
  for _, entry in ipairs(group) do
    local cost = entry.costs[option].shape
    if not Fit.now(node, Shape.read(cost), group.rank) then
      undo(caller, done, first)
      return false
    end
    caller.take(node, entry, cost)
    entry.node = node
    done[#done + 1] = entry
  end
  return true
end

-- The nodes of these names that fit the first function, in the order in which they are tried.
local function in_order(group, option, names)
  local shape, nodes = Shape.read(group[1].costs[option].shape), {}
  for i, name in ipairs(names) do
    local node = Node.load(name)
    if node and Constraints.allow(node, group.shape.terms) and Fit.now(node, shape, group.rank) then
      nodes[#nodes + 1] = {node, i}
    end
  end
  if group.strategy == 'load_balanced' then
    table.sort(nodes, function(one, other)
      local left, right = one[1].free[Values.SPARE], other[1].free[Values.SPARE]
      return left > right or (left == right and one[2] < other[2])
    end)
  end
  return nodes
end

local function place_among(caller, done, group, option, names)
  for _, each in ipairs(in_order(group, option, names)) do
    if take_group(caller, done, group, option, each[1]) then
      return true
    end
  end
  return false
end

-- What a node that takes all of them has at least: of each resource what the first wants, or the whole units of all.
local function least_cost(group, option)
  local sums, names, wants = {}, {}, {}
  for i, entry in ipairs(group) do
    for _, want in ipairs(Cost.read(entry.costs[option].shape)) do
      local resource, units = want[1], want[2]
      if not sums[resource] then
        sums[resource], names[#names + 1] = 0, resource
      end
      if Resource.family(resource) ~= resource then
        sums[resource] = math.max(sums[resource], units)
      elseif i == 1 or units % Resource.UNIT == 0 then
        sums[resource] = (i > 1 and sums[resource] % Resource.UNIT ~= 0 and 0 or sums[resource]) + units
      end
    end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    wants[#wants + 1] = sums[name] > 0 and {name, sums[name]} or nil
  end
  return Cost.write(wants)
end

-- Of all nodes. One that fits the first function may yet be too small for all of them.
local function place_anywhere(caller, done, group, option)
  local shape = Shape.read(Shape.write(least_cost(group, option), group.shape.constraints))
  local untried = Scratch.keep('untried', K.open)
  local is_placed, node = false, nil
  repeat
    node = Find.node(shape, group.rank, Strategies.named(group.strategy), untried)
    is_placed = node and take_group(caller, done, group, option, node)
    if node then
      redis.call('SETBIT', untried, node.position, 0)
    end
  until is_placed or not node or group.shape.pin ~= ''
  Scratch.drop_kept()
  return is_placed
end

local function place_group(caller, done, group, names)
  for option in ipairs(group[1].costs) do
    local place = names[1] and place_among or place_anywhere
    if place(caller, done, group, option, names) then
      return true
    end
  end
  return false
end

local function merged_wants(group)
  local sums, wants = {}, {}
  for _, entry in ipairs(group) do
    for _, want in ipairs(Cost.read(entry.costs[1].shape)) do
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
  local node = Node.load(pin)
  local free_of = Shortage.free_on(node or {name = pin, free = {}}, group.rank)
  if pin ~= '' then
    return Shortage.of(merged_wants(group), free_of, node and Shortage.excess_of(node) or {})
  end
  local open = Constraints.among(group.shape.terms, K.open)
  local short = Shortage.of(merged_wants(group), function(index)
    return Shared.load().cap[index] and free_of(index) or Index.largest('free', index, open)
  end, {})
  Scratch.drop()
  return short
end

-- Place all groups, among the nodes named if there are any. -> nil, or the group that fits nowhere and what it is short
-- of: then nothing is taken.
function AllOrNothing.place(caller, groups, names)
  local done = {}
  for _, group in ipairs(groups) do
    if not place_group(caller, done, group, names) then
      local short = shortage_of(group)
      undo(caller, done, 1)
      return group, short
    end
  end
  return nil
end
