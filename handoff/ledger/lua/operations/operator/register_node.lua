-- Register a static node: it stays until it is deregistered. Again: change what it has, keep what is reserved.
--
-- KEYS     lost  node
-- ARGV     name       str
--          units      str   texts/cost
--          devices    str   texts/offered_devices
--          labels     str   texts/labels
-- RETURNS  {'registered'}
--          {'again'}          much is still reserved under the name: call once more
--          {'leased', holder} an agent has it; nothing changed
-- @include settle  jobs/queues  jobs/worker  nodes/capabilities  nodes/lapse  nodes/node  nodes/removal  texts/cost
-- @include texts/offered_devices  time/events
-- @include arguments  layout  texts/labels  texts/terms

Arguments.check('name', Terms.is_node_name(name))
Arguments.check('units', Cost.is_sound(units, 0))
Arguments.check('devices', OfferedDevices.is_sound(devices))
Arguments.check('labels', Labels.is_sound(labels))
Lapse.leases(name)
local node = Node.load(name)
if node and (node.kind == 'leased' or node.state ~= 'up') then
  if node.state == 'up' then
    return {'leased', node.holder}
  end
  if not Removal.empty(node, 'replaced') then
    return {'again'}
  end
  Worker.forget(Queues.of(name))
end
Layout.mark()
node = node or Capabilities.add_node(name)
local epoch = node.state == 'up' and node.epoch or Lapse.next_epoch()
node.state, node.epoch = 'up', epoch
redis.call('HSET', K.node .. name, 'state', 'up', 'epoch', epoch, 'kind', 'static')
redis.call('HDEL', K.node .. name, 'incarnation', 'holder', 'lease_ms', 'op', 'op_reply', 'blamed', 'finished',
  'failed')
redis.call('ZREM', K.lost, name)
Node.serve(node)
Capabilities.set(node, Cost.by_name(units), OfferedDevices.read(devices), labels)
Queues.list(Queues.of(name))
Queues.list(Call.lobby)
Events.emit('node', 'node', name, 'change', 'registered', 'epoch', epoch, 'kind', 'static', 'units', units, 'devices',
  devices, 'labels', labels)
Settle.go_on(64)
return {'registered'}
