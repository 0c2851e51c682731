-- Reserving a cost on a node, and giving it back.
--
-- A reservation is a record (texts/reservation): giving back adds what the record says, never what a caller says. What is
-- reserved of what all share has a record of its own in `*`.
--
-- KEYS     reservations  waiting
-- STATE    taken_out  {}  id -> record, of those that are given back next; what is free then is counted behind the last
-- @include nodes/dirty  nodes/excess  nodes/external  nodes/holds  nodes/node  nodes/node_devices  nodes/recount
-- @include nodes/shared  texts/cost  texts/devices  texts/reservation  texts/resource  time/events  writes

-- Reserve `cost` on a node that fits it. -> its devices (texts/devices)
function Reservations.make(node, id, cost)
  local own, tokens, parts = {}, {}, {}
  local shared = Shared.load()
  local wants = Cost.read(cost)
  for i = 1, #wants do
    local want = wants[i]
    local resource, units = want[1], want[2]
    local keeper = shared.cap[resource] and shared or node
    local part = keeper == node and own or tokens
    part[#part + 1] = want
    keeper.used[resource] = (keeper.used[resource] or 0) + units
    local memory = next(keeper.dev) and NodeDevices.of_memory(keeper, resource)
    if memory then
      parts[#parts + 1] = Devices.write_one(Resource.family(resource), NodeDevices.take_memory(memory, units), true)
    elseif keeper.dev[resource] then
      parts[#parts + 1] = Devices.write_one(resource, NodeDevices.take(keeper.dev[resource], units), false)
    end
  end
  local devices, shared_cost = parts[1] and Devices.join(parts) or '', tokens[1] and Cost.write(tokens) or ''
  Writes.add('HSET', K.reservations .. node.name, id,
    Reservation.write(node.epoch, Call.now, tokens[1] and Cost.write(own) or cost, devices, shared_cost))
  Node.write(node)
  if shared_cost ~= '' then
    Writes.add('HSET', K.reservations .. Shared.NAME, id, Reservation.write('0', Call.now, shared_cost, '', ''))
    Node.write(shared)
    local tried = {}
    for resource, units in pairs(shared.free) do
      tried[resource] = math.min(units, shared.tried[resource] or 0)
    end
    Shared.set_tried(tried)
  end
  Events.emit('reserved', 'id', id, 'node', node.name, 'epoch', node.epoch, 'cost', cost, 'devices', devices)
  return devices
end

-- The record of a reservation on a node, false where there is none.
function Reservations.record(node_name, id)
  return redis.call('HGET', Writes.settle(K.reservations .. node_name), id)
end

-- Whether a node has any.
function Reservations.are_any(node_name)
  return redis.call('EXISTS', Writes.settle(K.reservations .. node_name)) == 1
end

-- Whether there is such a reservation on a node.
function Reservations.has(node_name, id)
  return redis.call('HEXISTS', Writes.settle(K.reservations .. node_name), id) == 1
end

-- Take a cost off what is used.
local function unuse(node, cost)
  local wants, used = Cost.read(cost), node.used
  for i = 1, #wants do
    local want = wants[i]
    local resource = want[1]
    local left = (used[resource] or 0) - want[2]
    left = left > 0 and left or 0
    used[resource] = left
    if not node.cap[resource] then
      Node.set_unlisted_use(node, resource, left)
    end
  end
end

-- Of a record that was written over nobody knows what it was for: all others are counted.
local function count_anew(node)
  local used = Recount.used(node.name)
  for resource in pairs(node.used) do
    if not node.cap[resource] then
      Node.set_unlisted_use(node, resource, used[resource] or 0)
    end
  end
  node.used = used
  for family, devices in pairs(node.dev) do
    local listed = {}
    for i, device in ipairs(devices) do
      listed[i] = {device.index, device.total}
    end
    node.dev[family] = Recount.devices(node.name, family, listed)
  end
end

-- After something of it was given back.
local function write_less(node)
  Node.write_grown(node)
  Excess.end_of(node)
end

-- Records have gone, as on a server that evicts: what the node says that is used is not what they say.
function Reservations.recount(node)
  for _, units in pairs(node.used) do
    if units > 0 then
      count_anew(node)
      write_less(node)
      return
    end
  end
end

-- What a reservation has of what is shared, by the record of that.
function Reservations.give_back_tokens(id)
  local shared = Shared.load()
  local cost, _, _, since = Reservation.read(Reservations.record(Shared.NAME, id))
  redis.call('HDEL', K.reservations .. Shared.NAME, id)
  if since > 0 then
    unuse(shared, cost)
  else
    count_anew(shared)
  end
  Node.write(shared)
  -- They may be what somebody on any node waits for.
  if redis.call('EXISTS', Writes.settle(K.waiting)) == 1 then
    Dirty.mark(Shared.NAME)
  else
    Shared.set_tried(shared.free)
  end
  Holds.close_shared()
end

-- Take records off at once, of reservations that are given back next. One that cannot be read is counted against all others,
-- and so is what is over: then each is taken off by itself. -> those that there are
function Reservations.take_out(node, ids)
  local key, records, found, is_plain = Writes.settle(K.reservations .. node.name), {}, {}, not node.over
  -- Lua unpacks at most 8,000 values.
  for first = 1, #ids, 1000 do
    for i, record in ipairs(redis.call('HMGET', key, unpack(ids, first, math.min(first + 999, #ids)))) do
      local id = ids[first + i - 1]
      if record and not records[id] then
        records[id], found[#found + 1] = record, id
        is_plain = is_plain and Reservation.is_sound(record)
      end
    end
  end
  if is_plain then
    Call.taken_out = records
    for first = 1, #found, 1000 do
      redis.call('HDEL', key, unpack(found, first, math.min(first + 999, #found)))
    end
  end
  return found
end

-- Give a reservation back. -> true; false where there is none
function Reservations.give_back(node, id, outcome)
  local is_out = Call.taken_out[id] ~= nil
  local record = Call.taken_out[id] or Reservations.record(node.name, id)
  if not record then
    return false
  end
  if is_out then
    Call.taken_out[id] = nil
  else
    redis.call('HDEL', K.reservations .. node.name, id)
  end
  local cost, devices, shared_cost, since = Reservation.read(record)
  local has_tokens = shared_cost ~= ''
  if since > 0 then
    unuse(node, cost)
    NodeDevices.give_back(node, devices)
  else
    count_anew(node)
    has_tokens = Reservations.has(Shared.NAME, id)
  end
  local is_last = not is_out or not next(Call.taken_out)
  if is_last then
    write_less(node)
  end
  if has_tokens then
    Reservations.give_back_tokens(id)
  end
  Events.emit('released', 'id', id, 'node', node.name, 'cost', Cost.join(cost, shared_cost), 'devices', devices, 'outcome',
    outcome)
  if is_last then
    External.settle(node)
  end
  return true
end
