-- Claim for several functions at once, each on the first node that fits; all or nothing.
--
-- Entries come in the order in which they are decided. Entries of one group share a node.
--
-- KEYS     held  claims  open  scratch
-- ARGV     lobby    str
--          among    str   nodes to choose from in that order, with commas; '' = all
--          now_ms   int   0 = the server's clock
--          entries  list  per function: claim id, group, pin ('' = any), cost
-- RETURNS  {'claimed', {node, devices, ...}}        in the order of the entries
--          {'short', pin, {resource, units, ...}}   missing for the first group that fits nowhere; nothing changed
-- @include lib/claim

local now = clock(now_ms)
notice(lobby, now)

local groups = {}
for i = entries_first, #ARGV, 4 do
  local last = groups[#groups]
  if not last or last.number ~= ARGV[i + 1] then
    last = {number = ARGV[i + 1], pin = ARGV[i + 2]}
    groups[#groups + 1] = last
  end
  last[#last + 1] = {id = ARGV[i], cost = ARGV[i + 3]}
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
local reply = {}
if is_whole then
  for _, each in ipairs(known) do
    local _, _, devices = parse_record(redis.call('HGET', K.held .. each.node.name, each.id))
    reply[#reply + 1], reply[#reply + 2] = each.node.name, devices
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

local function claim_group(group, node)
  local first = #done + 1
  for _, entry in ipairs(group) do
    if not fits(node, (parse_shape(entry.cost))) then
      undo(first)
      return false
    end
    entry.devices = claim(node, entry.id, entry.cost, 0, now)
    entry.node = node
    done[#done + 1] = entry
  end
  return true
end

-- The first node that takes the whole group. One that fits its first function may yet be too small for all of it.
local function place_group(group)
  if among ~= '' or group.pin ~= '' then
    for name in string.gmatch(among ~= '' and among or group.pin, '[^,]+') do
      local node = (group.pin == '' or group.pin == name) and load_node(name)
      if node and claim_group(group, node) then
        return true
      end
    end
    return false
  end
  local untried = K.scratch .. 'untried'
  redis.call('BITOP', 'OR', untried, K.open, K.open)
  local placed, node = false, nil
  repeat
    node = first_fit((parse_shape(group[1].cost)), '', untried)
    placed = node and claim_group(group, node)
    if node then
      redis.call('SETBIT', untried, node.position, 0)
    end
  until placed or not node
  redis.call('DEL', untried)
  return placed
end

local function merged_wants(group)
  local sums, wants = {}, {}
  for _, entry in ipairs(group) do
    for _, want in ipairs((parse_shape(entry.cost))) do
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
  local node = refused.pin ~= '' and load_node(refused.pin)
  local short = shortage(merged_wants(refused), function(index)
    if refused.pin ~= '' then
      return node and node.free[index] or 0
    end
    return largest('free', index, K.open)
  end, node and node.over and excess(node) or {})
  reply = {'short', refused.pin, short}
  drop_scratch()
  undo(1)
else
  for _, group in ipairs(groups) do
    for _, entry in ipairs(group) do
      reply[#reply + 1], reply[#reply + 2] = entry.node.name, entry.devices
    end
  end
  reply = {'claimed', reply}
end
for _, each in ipairs(known) do
  wake(each.node, lobby, now, 8)
end
return reply
