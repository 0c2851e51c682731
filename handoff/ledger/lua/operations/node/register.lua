-- Register a node for its agent: a lease, capabilities, and a worker in RQ's eyes.
--
-- Registering again changes the capabilities and keeps what is reserved. An agent takes a static node over with all
-- that stands on it. What an agent before this one left behind is given back first.
--
-- KEYS     lost  node
-- ARGV     name         str
--          incarnation  str   names this agent process
--          holder       str   host and process, for people
--          dead         str   an incarnation whose process is known to be gone, or ''
--          lease_ms     int
--          units        str   texts/cost
--          devices      str   texts/offered_devices
--          labels       str   texts/labels
--          external     str   what other programs use of its host, texts/cost; '' = it does not look
--          external_devices  str  the same of devices, texts/devices
--          worker       list  of RQ's worker hash: field, value, ...
-- RETURNS  {'registered', epoch}
--          {'again'}                           much is still reserved under the name: call once more
--          {'leased', holder, incarnation, ms} another agent has the lease for so long
-- @include settle  jobs/queues  jobs/worker  nodes/capabilities  nodes/external  nodes/lapse  nodes/leases  nodes/node
-- @include nodes/removal  texts/cost  texts/devices  texts/number  texts/offered_devices  time/clock  time/events
-- @include arguments  texts/labels  texts/terms

Arguments.check('name', Terms.is_node_name(name))
Arguments.check('units', Cost.is_sound(units, 0))
Arguments.check('devices', OfferedDevices.is_sound(devices))
Arguments.check('labels', Labels.is_sound(labels))
Arguments.check('external', Cost.is_sound(external, 0))
Arguments.check('external_devices', Devices.is_sound(external_devices))
Arguments.check('lease_ms', lease_ms > 0)
Arguments.check('worker', (#ARGV - worker_first + 1) % 2 == 0)
Clock.note()
Lapse.leases(name)
local node = Node.load(name)
local mine = node and node.incarnation == incarnation
if node and (node.kind == 'leased' or node.state ~= 'up') then
  local left_ms = Leases.left(name)
  if node.state == 'up' and not mine and node.incarnation ~= dead and left_ms > 0 then
    return {'leased', node.holder, node.incarnation, left_ms}
  end
  if not (mine and node.state == 'up') and not Removal.empty(node, 'replaced') then
    return {'again'}
  end
end

node = node or Capabilities.add_node(name)
if node.state ~= 'up' then
  node.epoch = Lapse.next_epoch()
  node.state = 'up'
  redis.call('HDEL', K.node .. name, 'op', 'op_reply', 'blamed', 'finished', 'failed')
end
Events.emit('node', 'node', name, 'change', 'registered', 'epoch', node.epoch, 'kind', 'leased', 'units', units, 'devices',
  devices, 'labels', labels)
node.lease_ms = Number.text(lease_ms)
redis.call('HSET', K.node .. name, 'state', 'up', 'epoch', node.epoch, 'kind', 'leased', 'incarnation', incarnation,
  'holder', holder, 'lease_ms', node.lease_ms)
Leases.begin(node)
redis.call('ZREM', K.lost, name)
Node.serve(node)
Capabilities.set(node, Cost.by_name(units), OfferedDevices.read(devices), labels)
External.hear(node, external, external_devices)

local queue = Queues.of(name)
Worker.register(queue, node, {unpack(ARGV, worker_first)})
Queues.list(queue)
Queues.list(Call.lobby)
Settle.go_on(64)
return {'registered', node.epoch}
