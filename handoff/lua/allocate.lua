-- Claim for several functions at once, each on the node that the strategy chooses; all or nothing.
--
-- Entries come in the order in which they are decided. Entries of one group share a node, its constraints and its
-- strategy. The n-th costs of all of them are one option: the first option that fits anywhere is taken.
--
-- KEYS     held  claims  open  scratch
-- ARGV     lobby    str
--          among    str   nodes to choose from in that order, with commas; '' = all
--          now_ms   int   0 = the server's clock
--          entries  list  per function: claim id, group, strategy, constraints, costs joined by &
-- RETURNS  {'claimed', {node, devices, cost, ...}}  in the order of the entries
--          {'short', pin, {resource, units, ...}}   missing for the first group that fits nowhere; nothing changed
-- @include lib/claim

local now = clock(now_ms)
notice(lobby, now)

local groups = {}
for i = entries_first, #ARGV, 5 do
  local last = groups[#groups]
  if not last or last.number ~= ARGV[i + 1] then
    last = {number = ARGV[i + 1], strategy = ARGV[i + 2], terms = ARGV[i + 3] ~= '' and '@' .. ARGV[i + 3] or ''}
    last.shape = shape_of(last.terms)
    groups[#groups + 1] = last
  end
  last[#last + 1] = {id = ARGV[i], costs = demand_of(ARGV[i + 4])}
end

-- Asked again after a lost reply: what was claimed then. Had a node to go meanwhile, all of it is decided anew.
local known, is_whole = {}, true
for _, group in ipairs(groups) do
  for _, entry in ipairs(group) do
    local node = load_node(redis.call('HGET', K.claims, entry.id) or '')
    is_whole = is_whole and node and node.state == 'up'
    known[#known + 1] = node and {id = entry.id, node = node}
  end
end

local function told(node, id, reply)
  local cost, devices, shared_cost = parse_record(redis.call('HGET', K.held .. node.name, id))
  local whole = cost .. (cost ~= '' and shared_cost ~= '' and ',' or '') .. shared_cost
  reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = node.name, devices, whole
end

local reply = {}
if is_whole then
  for _, each in ipairs(known) do
    told(each.node, each.id, reply)
  end
  return {'claimed', reply}
end
for _, each in ipairs(known) do
  drop_claim(each.id)
  give_back(each.node, each.id, 'undone', now)
end

local done = {}
local function undo(from)
  for i = #done, from, -1 do
    drop_claim(done[i].id)
    give_back(done[i].node, done[i].id, 'undone', now)
    done[i] = nil
  end
end

local function claim_group(group, option, node)
  local first = #done + 1
  for _, entry in ipairs(group) do
    local cost = entry.costs[option].shape
    if not fits(node, shape_of(cost), NOBODY) then
      undo(first)
      return false
    end
    claim(node, entry.id, cost, 0, now)
    entry.node = node
    done[#done + 1] = entry
  end
  return true
end

local function place_among(group, option, names)
  local cost = group[1].costs[option].shape
  local nodes = {}
  for i, name in ipairs(names) do
    local node = load_node(name)
    if node and allows(node, group.shape.terms) and fits(node, shape_of(cost), NOBODY) then
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
    if claim_group(group, option, each[1]) then
      return true
    end
  end
  return false
end

-- Of all nodes. One that fits the first function may yet be too small for all of them.
local function place_anywhere(group, option)
  local shape = shape_of(group[1].costs[option].shape .. group.terms)
  local untried = K.scratch .. 'untried'
  redis.call('BITOP', 'OR', untried, K.open, K.open)
  local placed, node = false, nil
  repeat
    node = find_node(shape, NOBODY, strategy_named(group.strategy), untried)
    placed = node and claim_group(group, option, node)
    if node then
      redis.call('SETBIT', untried, node.position, 0)
    end
  until placed or not node or group.shape.pin ~= ''
  redis.call('DEL', untried)
  return placed
end

local names = {}
for name in string.gmatch(among, '[^,]+') do
  names[#names + 1] = name
end

local function place_group(group)
  for option in ipairs(group[1].costs) do
    local placed
    if among ~= '' then
      placed = place_among(group, option, names)
    else
      placed = place_anywhere(group, option)
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

local refused
for _, group in ipairs(groups) do
  if not place_group(group) then
    refused = group
    break
  end
end
if refused then
  local pin = refused.shape.pin
  local node = load_node(pin)
  local free_of = free_on(node or {name = pin, free = {}})
  local short
  if pin ~= '' then
    short = shortage(merged_wants(refused), free_of, node and excess_of(node) or {})
  else
    local open = allowing(refused.shape.terms, K.open)
    short = shortage(merged_wants(refused), function(index)
      return load_shared().cap[index] and free_of(index) or largest('free', index, open)
    end, {})
  end
  reply = {'short', pin, short}
  drop_scratch()
  undo(1)
else
  for _, group in ipairs(groups) do
    for _, entry in ipairs(group) do
      told(entry.node, entry.id, reply)
    end
  end
  reply = {'claimed', reply}
end
for _, each in ipairs(known) do
  wake(each.node, lobby, now, 8)
end
return reply
