-- Claim for several functions at once, each on the node that the strategy chooses; all or nothing.
--
-- Entries come in the order in which they are decided. Entries of one group share a node, its constraints and its
-- strategy. The n-th costs of all of them are one option: the first option that fits anywhere is taken.
--
-- KEYS     claims
-- ARGV     ttl_ms   int   0 = until each is released
--          owner    str   whose they are, '' = nobody says
--          among    str   nodes to choose from in that order (texts/list); '' = all
--          entries  list  per function: claim id, group, strategy, constraints, costs joined by &
-- RETURNS  {'claimed', {node, devices, cost, ...}}  in the order of the entries
--          {'short', pin, {resource, units, ...}}   missing for the first group that fits nowhere; nothing changed
-- @include claims/all_or_nothing  claims/claims  nodes/fit  nodes/node  nodes/reservations  texts/cost  texts/demand  texts/list
-- @include texts/reservation  texts/shape  waiting/wake
-- @include arguments  texts/options  texts/terms

Arguments.check('entries', (#ARGV - entries_first + 1) % 5 == 0)
for i = entries_first, #ARGV, 5 do
  Arguments.check('entries', Options.is_strategy(ARGV[i + 2]) and Terms.is_sound(ARGV[i + 3])
    and Demand.is_sound(ARGV[i + 4]))
end

Claims.catch_up()

local groups = {}
for i = entries_first, #ARGV, 5 do
  local last = groups[#groups]
  if not last or last.number ~= ARGV[i + 1] then
    last = {number = ARGV[i + 1], strategy = ARGV[i + 2], shape = Shape.read(Shape.write('', ARGV[i + 3])),
      rank = Fit.CLAIMS}
    groups[#groups + 1] = last
  end
  last[#last + 1] = {id = ARGV[i], costs = Demand.read(ARGV[i + 4])}
end

-- Asked again after a lost reply: what was claimed then. Had a node to go meanwhile, all of it is decided anew.
local known, is_whole = {}, true
for _, group in ipairs(groups) do
  for _, entry in ipairs(group) do
    local node = Node.load(redis.call('HGET', K.claims, entry.id) or '')
    is_whole = is_whole and node and node.state == 'up'
    known[#known + 1] = node and {id = entry.id, node = node}
  end
end

local function tell(node, id, reply)
  local cost, devices, shared_cost = Reservation.read(Reservations.record(node.name, id))
  reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = node.name, devices, Cost.join(cost, shared_cost)
end

local reply = {}
if is_whole then
  for _, each in ipairs(known) do
    tell(each.node, each.id, reply)
  end
  return {'claimed', reply}
end
for _, each in ipairs(known) do
  Claims.give_back(each.node, each.id, 'undone')
end

local refused, short = AllOrNothing.place({
  take = function(node, entry, cost)
    Claims.make(node, entry.id, cost, ttl_ms, owner)
  end,
  drop = function(entry)
    Claims.give_back(entry.node, entry.id, 'undone')
  end,
}, groups, List.read(among))
if refused then
  reply = {'short', refused.shape.pin, short}
else
  for _, group in ipairs(groups) do
    for _, entry in ipairs(group) do
      tell(entry.node, entry.id, reply)
    end
  end
  reply = {'claimed', reply}
end
for _, each in ipairs(known) do
  Wake.node(each.node, 8)
end
return reply
