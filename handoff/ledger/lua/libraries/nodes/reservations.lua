-- Reserving a cost on a node, and giving it back.
--
-- A reservation is a record (texts/reservation): giving back adds what the record says, never what a caller says. What is
-- reserved of what all share has a record of its own in `*`.
--
-- KEYS     reservations  waiting
-- @include nodes/dirty  nodes/excess  nodes/holds  nodes/node  nodes/node_devices  nodes/shared  nodes/standing
-- @include texts/cost  texts/devices  texts/reservation  texts/resource  time/events

-- Reserve `cost` on a node that fits it. -> its devices (texts/devices)
function Reservations.make(node, id, cost)
  local own, tokens, parts = {}, {}, {}
  local shared = Shared.load()
  for _, want in ipairs(Cost.read(cost)) do
    local resource, units = want[1], want[2]
    local keeper = shared.cap[resource] and shared or node
    local part = keeper == node and own or tokens
    part[#part + 1] = want
    keeper.used[resource] = (keeper.used[resource] or 0) + units
    local memory = NodeDevices.of_memory(keeper, resource)
    if memory then
      parts[#parts + 1] = Devices.write_one(Resource.family(resource), NodeDevices.take_memory(memory, units), true)
    elseif keeper.dev[resource] then
      parts[#parts + 1] = Devices.write_one(resource, NodeDevices.take(keeper.dev[resource], units), false)
    end
  end
  local devices, shared_cost = Devices.join(parts), Cost.write(tokens)
  redis.call('HSET', K.reservations .. node.name, id,
    Reservation.write(node.epoch, Call.now, Cost.write(own), devices, shared_cost))
  Node.write(node)
  -- What is taken now and given back later in the same script has grown too, for whoever began to wait meanwhile.
  local was = {}
  for index, before in pairs(node.was) do
    was[index] = math.min(before, node.free[index] or 0)
  end
  node.was = was
  if shared_cost ~= '' then
    redis.call('HSET', K.reservations .. Shared.NAME, id, Reservation.write('0', Call.now, shared_cost, '', ''))
    Node.write(shared)
    local tried = {}
    for resource, units in pairs(shared.free) do
      tried[resource] = math.min(units, shared.tried[resource] or 0)
    end
    Shared.set_tried(tried)
  end
  Events.emit('reserved', 'id', id, 'node', node.name, 'cost', cost, 'devices', devices)
  return devices
end

-- Whether there is such a reservation on a node.
function Reservations.has(node_name, id)
  return redis.call('HEXISTS', K.reservations .. node_name, id) == 1
end

-- Take a cost off what is used.
local function unuse(node, cost)
  for _, want in ipairs(Cost.read(cost)) do
    local resource = want[1]
    local left = (node.used[resource] or 0) - want[2]
    node.used[resource] = left
    if not node.cap[resource] then
      Node.set_unlisted_use(node, resource, left)
    end
  end
end

local function give_back_tokens(id, cost)
  local shared = Shared.load()
  redis.call('HDEL', K.reservations .. Shared.NAME, id)
  unuse(shared, cost)
  Node.write(shared)
  -- They may be what somebody on any node waits for.
  if redis.call('EXISTS', K.waiting) == 1 then
    Dirty.mark(Shared.NAME)
  else
    Shared.set_tried(shared.free)
  end
  Holds.close_shared()
end

-- Give a reservation back. -> true; false where there is none
function Reservations.give_back(node, id, outcome)
  local record = redis.call('HGET', K.reservations .. node.name, id)
  if not record then
    return false
  end
  local cost, devices, shared_cost = Reservation.read(record)
  redis.call('HDEL', K.reservations .. node.name, id)
  unuse(node, cost)
  NodeDevices.give_back(node, devices)
  Node.write(node)
  if node.over and not Excess.is_over(node) then
    Node.set_field(node, 'over', nil)
    Standing.set_open(node)
    -- All of it counts as grown: nothing was placed while it was over.
    node.was = {}
  end
  if shared_cost ~= '' then
    give_back_tokens(id, shared_cost)
  end
  Events.emit('released', 'id', id, 'node', node.name, 'cost', Cost.join(cost, shared_cost), 'devices', devices, 'outcome',
    outcome)
  return true
end
