-- Claim for several functions at once, each on the node that the strategy chooses; all or nothing.
--
-- Entries come in the order in which they are decided. Entries of one group share a node, its constraints and its
-- strategy. The n-th costs of all of them are one option: the first option that fits anywhere is taken.
--
-- KEYS     held  claims
-- ARGV     lobby    str
--          among    str   nodes to choose from in that order, with commas; '' = all
--          now_ms   int   0 = the server's clock
--          entries  list  per function: claim id, group, strategy, constraints, costs joined by &
-- RETURNS  {'claimed', {node, devices, cost, ...}}  in the order of the entries
--          {'short', pin, {resource, units, ...}}   missing for the first group that fits nowhere; nothing changed
-- @include lib/claim
-- @include lib/gang

local now = clock(now_ms)
notice(lobby, now)

local groups = {}
for i = entries_first, #ARGV, 5 do
  local last = groups[#groups]
  if not last or last.number ~= ARGV[i + 1] then
    local terms = ARGV[i + 3] ~= '' and '@' .. ARGV[i + 3] or ''
    last = {number = ARGV[i + 1], strategy = ARGV[i + 2], shape = shape_of(terms), rank = NOBODY}
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

local names = {}
for name in string.gmatch(among, '[^,]+') do
  names[#names + 1] = name
end
local refused, short = place_gang({
  take = function(node, entry, cost)
    claim(node, entry.id, cost, 0, now)
  end,
  drop = function(entry)
    drop_claim(entry.id)
    give_back(entry.node, entry.id, 'undone', now)
  end,
}, groups, names)
if refused then
  reply = {'short', refused.shape.pin, short}
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
