-- Register a node for its agent: a lease, capabilities, and a worker in RQ's eyes.
--
-- Registering again changes the capabilities and keeps what is reserved. An agent takes a static node over with all
-- that stands on it. What an agent before this one left behind is given back first.
--
-- KEYS     node  leases  lost  running  rq_queue  rq_queues  rq_worker  rq_workers  rq_queue_workers
-- ARGV     lobby        str
--          name         str
--          incarnation  str   names this agent process
--          holder       str   host and process, for people
--          dead         str   an incarnation whose process is known to be gone, or ''
--          lease_ms     int
--          units        str   cpu=80000,slots=320000
--          devices      str   gpu:0,1;fpga:3, with memory gpu:0/240000000
--          labels       str   tier=spot;zone=a
--          lost_text    str   exc_string of a function lost with its node
--          now_ms       int   0 = the server's clock
--          worker       list  of RQ's worker hash: field, value, ...
-- RETURNS  {'registered', epoch}
--          {'again'}                          much is still held under the name: call once more
--          {'held', holder, incarnation, ms}  another agent has the lease for so long
-- @include lib/farewell
-- @include lib/lapse

local now = clock(now_ms)
lapse_leases(now)
local node = load_node(name)
local mine = node and node.incarnation == incarnation
if node and (node.kind == 'leased' or node.state ~= 'up') then
  local ends = tonumber(redis.call('ZSCORE', K.leases, name) or nil)
  if node.state == 'up' and not mine and node.incarnation ~= dead and ends > now then
    return {'held', node.holder, node.incarnation, ends - now}
  end
  if not (mine and node.state == 'up') and not empty_node(node, lost_text, lobby, now, 'replaced') then
    return {'again'}
  end
end

node = node or new_node(name)
if node.state ~= 'up' then
  node.epoch = next_epoch(now)
  node.state = 'up'
  redis.call('HDEL', K.node .. name, 'op', 'op_reply')
end
emit(now, 'node', 'node', name, 'change', 'registered', 'kind', 'leased', 'units', units, 'devices', devices, 'labels', labels)
redis.call('HSET', K.node .. name, 'state', 'up', 'epoch', node.epoch, 'kind', 'leased', 'incarnation', incarnation,
  'holder', holder, 'lease_ms', text(lease_ms))
redis.call('ZADD', K.leases, now + lease_ms, name)
redis.call('ZREM', K.lost, name)
node.quiet = nil
redis.call('HDEL', K.node .. name, 'quiet')
local has, with = parse_capabilities(units, devices)
set_capabilities(node, has, with, labels, now)

local queue = lobby .. '.' .. name
local key = K.rq_worker .. queue
redis.call('HSET', key, 'birth', iso(now), 'last_heartbeat', iso(now), 'queues', queue,
  'state', redis.call('EXISTS', K.running .. name) == 1 and 'busy' or 'idle',
  unpack(ARGV, worker_first))
redis.call('PEXPIRE', key, 3 * lease_ms)
redis.call('SADD', K.rq_workers, key)
redis.call('SADD', K.rq_queue_workers .. queue, key)
redis.call('SADD', K.rq_queues, K.rq_queue .. queue, K.rq_queue .. lobby)
settle(lost_text, lobby, now, 64)
return {'registered', node.epoch}
