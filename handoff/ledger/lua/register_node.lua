-- Register a static node: it stays until it is deregistered. Again: change what it has, keep what is reserved.
--
-- KEYS     node  lost  rq_queue  rq_queues
-- ARGV     lobby      str
--          name       str
--          units      str   cpu=80000,slots=320000
--          devices    str   gpu:0,1;fpga:3, with memory gpu:0/240000000
--          labels     str   tier=spot;zone=a
--          lost_text  str   exc_string of a function lost with its node
--          now_ms     int   0 = the server's clock
-- RETURNS  {'registered'}
--          {'again'}          much is still held under the name: call once more
--          {'leased', holder} an agent has it; nothing changed
-- @include lib/farewell
-- @include lib/lapse

local now = clock(now_ms)
lapse_leases(now)
local node = load_node(name)
if node and (node.kind == 'leased' or node.state ~= 'up') then
  if node.state == 'up' then
    return {'leased', node.holder}
  end
  if not empty_node(node, lost_text, lobby, now, 'replaced') then
    return {'again'}
  end
  forget_worker(lobby .. '.' .. name)
end
node = node or new_node(name)
local epoch = node.state == 'up' and node.epoch or next_epoch(now)
node.state, node.epoch = 'up', epoch
redis.call('HSET', K.node .. name, 'state', 'up', 'epoch', epoch, 'kind', 'static')
redis.call('HDEL', K.node .. name, 'incarnation', 'holder', 'lease_ms', 'op', 'op_reply', 'quiet')
redis.call('ZREM', K.lost, name)
node.quiet = nil
local has, with = parse_capabilities(units, devices)
set_capabilities(node, has, with, labels, now)
redis.call('SADD', K.rq_queues, K.rq_queue .. lobby .. '.' .. name, K.rq_queue .. lobby)
emit(now, 'node', 'node', name, 'change', 'registered', 'kind', 'static', 'units', units, 'devices', devices, 'labels', labels)
settle(lost_text, lobby, now, 64)
return {'registered'}
