-- Holding a cost on a node, and giving it back.
--
-- A record in `held` is `<epoch>|<since, ms>|<cost>|<devices>|<cost of what is shared>`: release adds back what the
-- record says, never what a caller says. What is shared has a record of its own in `held:*`.
--
-- KEYS     node  held  dirty  waiting
-- @include lib/over
-- @include lib/events

-- Whole amounts take idle devices by index; a share takes the fullest device that still has room.
local function take_devices(devices, units)
  local taken = {}
  if units < UNIT then
    local best
    for _, device in ipairs(devices) do
      if device.share >= units and device.memory == device.total and (not best or device.share < best.share) then
        best = device
      end
    end
    best.share = best.share - units
    return {best.index .. '=' .. units}
  end
  local missing = units / UNIT
  for _, device in ipairs(devices) do
    if missing > 0 and device.share == UNIT and device.memory == device.total then
      device.share = 0
      missing = missing - 1
      taken[#taken + 1] = device.index .. '=' .. UNIT
    end
  end
  return taken
end

-- Memory is taken from the fullest device that still has so much, of those that serve nobody otherwise.
local function take_memory(devices, units)
  local best
  for _, device in ipairs(devices) do
    if device.share == UNIT and device.memory >= units and (not best or device.memory < best.memory) then
      best = device
    end
  end
  best.memory = best.memory - units
  return {best.index .. '=' .. text(units) .. 'm'}
end

-- Hold `cost` on a node that fits it. -> devices as text, `gpu:0=10000,1=10000`
local function hold(node, id, cost, now)
  local own, tokens, devices = {}, {}, {}
  local shared = load_shared()
  for _, want in ipairs(shape_of(cost).wants) do
    local resource, units = want[1], want[2]
    local keeper = shared.cap[resource] and shared or node
    local part = keeper == node and own or tokens
    part[#part + 1] = resource .. '=' .. text(units)
    keeper.used[resource] = (keeper.used[resource] or 0) + units
    local memory = memory_devices(keeper, resource)
    if memory then
      devices[#devices + 1] = family_of(resource) .. ':' .. table.concat(take_memory(memory, units), ',')
    elseif keeper.dev[resource] then
      devices[#devices + 1] = resource .. ':' .. table.concat(take_devices(keeper.dev[resource], units), ',')
    end
  end
  local listed = table.concat(devices, ';')
  local shared_cost = table.concat(tokens, ',')
  redis.call('HSET', K.held .. node.name, id, table.concat({node.epoch, text(now), table.concat(own, ','), listed,
    shared_cost}, '|'))
  write_node(node)
  -- What is taken now and given back later in the same script has grown too, for whoever began to wait meanwhile.
  local was = {}
  for index, before in pairs(node.was) do
    was[index] = math.min(before, node.free[index] or 0)
  end
  node.was = was
  if shared_cost ~= '' then
    redis.call('HSET', K.held .. SHARED, id, table.concat({'0', text(now), shared_cost, '', ''}, '|'))
    write_node(shared)
    local tried = {}
    for resource, units in pairs(shared.free) do
      tried[resource] = math.min(units, shared.tried[resource] or 0)
    end
    set_tried(shared, tried)
  end
  emit(now, 'reserved', 'id', id, 'node', node.name, 'cost', cost, 'devices', listed)
  return listed
end

-- Take a cost off what is used. Of a resource that is no longer listed nothing is kept.
local function unuse(node, cost)
  for _, want in ipairs(shape_of(cost).wants) do
    local resource = want[1]
    local left = (node.used[resource] or 0) - want[2]
    node.used[resource] = left
    if not node.cap[resource] then
      if left == 0 then
        node.used[resource] = nil
        redis.call('HDEL', K.node .. node.name, 'used:' .. resource)
      else
        redis.call('HSET', K.node .. node.name, 'used:' .. resource, text(left))
      end
    end
  end
end

local function close_books(node)
  write_node(node)
  if node.over and not is_over(node) then
    set_field(node, 'over', nil)
    set_open(node)
    -- All of it counts as grown: nothing was placed while it was over.
    node.was = {}
  end
end

local function give_back_tokens(id, cost)
  local shared = load_shared()
  redis.call('HDEL', K.held .. SHARED, id)
  unuse(shared, cost)
  write_node(shared)
  -- They may be what somebody on any node waits for.
  if redis.call('EXISTS', K.waiting) == 1 then
    redis.call('ZADD', K.dirty, '-inf', SHARED)
  else
    set_tried(shared, shared.free)
  end
  close_shared()
end

-- Give a reservation back. -> true; false where there is none
local function give_back(node, id, outcome, now)
  local record = redis.call('HGET', K.held .. node.name, id)
  if not record then
    return false
  end
  local cost, devices, shared_cost = parse_record(record)
  redis.call('HDEL', K.held .. node.name, id)
  unuse(node, cost)
  each_device(devices, function(resource, index, units, is_memory)
    local device = find_device(node, resource, index)
    if device and not is_memory then
      device.share = device.share + units
    elseif device and device.total then
      device.memory = device.memory + units
    end
  end)
  close_books(node)
  if shared_cost ~= '' then
    give_back_tokens(id, shared_cost)
    cost = cost .. (cost == '' and '' or ',') .. shared_cost
  end
  emit(now, 'released', 'id', id, 'node', node.name, 'cost', cost, 'devices', devices, 'outcome', outcome)
  return true
end
