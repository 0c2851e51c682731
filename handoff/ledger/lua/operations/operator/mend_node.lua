-- Make the books of a node, and what stands beside them, what its records say; or those of what all share (`*`).
--
-- All of it is worked out anew, so that whoever asks need not know what is wrong: where nothing is, nothing changes. A
-- node that cannot be read is lost, and its agent registers it again.
--
-- KEYS     classes  hold_bits  holds  label  labels  lost  nodes  reservations
-- ARGV     name  str
-- RETURNS  {'mended'}
--          {'unknown'}  there is no such node
-- @include settle  jobs/job  nodes/classes  nodes/dirty  nodes/excess  nodes/holds  nodes/index
-- @include nodes/lapse  nodes/leases  nodes/node  nodes/node_labels  nodes/recount  nodes/recovery
-- @include nodes/shared  nodes/standing  nodes/values  texts/demand  texts/number  texts/reservation  texts/resource
-- @include texts/shape

local function set_use(node)
  local used = Recount.used(node.name)
  for resource in pairs(node.used) do
    if not node.cap[resource] then
      Node.set_unlisted_use(node, resource, used[resource] or 0)
    end
  end
  node.used = used
end

-- Whether a job could lack all of these.
local function asks_for(job, families)
  local asked = {}
  for _, variant in ipairs(Demand.read(job.demand)) do
    for _, want in ipairs(Shape.read(variant.shape).wants) do
      asked[Resource.family(want[1])] = true
    end
  end
  for _, family in ipairs(families) do
    if not asked[family] then
      return false
    end
  end
  return true
end

local function mend_hold(node)
  local hold = Holds.on(node)
  local job = hold and Job.read(hold.job)
  if hold and not (job and Job.is_waiting(job) and tonumber(job.rank) == hold.rank and Node.is_open(node)
      and asks_for(job, hold.families)) then
    Holds.lift(node)
    hold = nil
  end
  if hold then
    redis.call('ZADD', K.holds, Number.text(hold.rank), node.name)
  else
    redis.call('ZREM', K.holds, node.name)
  end
  if node.position then
    redis.call('SETBIT', K.hold_bits, node.position, hold and 1 or 0)
  end
end

-- Of every label there is: its bit, and how many have it.
local function mend_labels(node)
  local known = redis.call('HKEYS', K.labels)
  for label, value in pairs(node.label) do
    known[#known + 1] = NodeLabels.of(label, value)
  end
  for _, each in ipairs(known) do
    redis.call('SETBIT', K.label .. each, node.position, NodeLabels.has(node, each) and 1 or 0)
    local count = redis.call('BITCOUNT', K.label .. each)
    if count > 0 then
      redis.call('HSET', K.labels, each, count)
    else
      redis.call('HDEL', K.labels, each)
      redis.call('DEL', K.label .. each)
    end
  end
end

local function mend_class(node)
  local said = node.class
  for _, class in ipairs(redis.call('ZRANGE', K.classes, 0, -1)) do
    node.class = class
    Classes.leave(node)
  end
  node.class = said
  Classes.leave(node)
end

local function mend_lease(node)
  if node.state ~= 'up' or node.kind ~= 'leased' then
    Leases.drop(node.name)
  elseif not Leases.left(node.name) then
    Leases.begin(node)
  end
  if node.state == 'up' then
    redis.call('ZREM', K.lost, node.name)
  else
    redis.call('ZADD', K.lost, 'NX', Number.text(Call.now), node.name)
  end
end

-- Of an older life of the node, or of one that is lost and has been emptied.
local function give_back_old(node)
  local flat = redis.call('HGETALL', K.reservations .. node.name)
  for i = 1, #flat, 2 do
    local _, _, _, _, epoch = Reservation.read(flat[i + 1])
    if node.state ~= 'up' or epoch ~= node.epoch then
      Recovery.one(node, flat[i], 'unknown')
    end
  end
end

if name == Shared.NAME then
  local shared = Shared.open()
  set_use(shared)
  Node.write(shared)
  mend_hold(shared)
  Shared.set_tried({})
  Dirty.mark_shared()
  Holds.close_shared()
  Settle.go_on(16)
  return {'mended'}
end
local node = Node.load(name)
if not node then
  return {'unknown'}
end
local position = redis.call('ZSCORE', K.nodes, name)
if node.bent or node.position ~= tonumber(position) then
  node.position = tonumber(position)
  node.bent = node.bent or 'position'
  Lapse.abandon(node, 'lost')
  Settle.go_on(64)
  return {'mended'}
end
give_back_old(node)
set_use(node)
for family, devices in pairs(node.dev) do
  local listed = {}
  for i, device in ipairs(devices) do
    listed[i] = {device.index, device.total}
  end
  node.dev[family] = Recount.devices(name, family, listed)
  if node.cap[family] ~= #listed * Resource.UNIT then
    Node.set_capacity(node, family, #listed * Resource.UNIT)
  end
end
Index.wipe(node.position)
node.free = {}
Index.set_capacity(node.position, {}, Values.of(node, 'cap'))
Node.write(node)
Index.widen(node.free)
Node.set_field(node, 'over', Excess.is_over(node) and '1' or nil)
mend_lease(node)
mend_labels(node)
mend_class(node)
Standing.set_open(node)
Standing.set_live(node)
mend_hold(node)
Dirty.mark(name)
Settle.go_on(64)
return {'mended'}
