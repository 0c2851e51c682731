-- Renew a node's lease, and compare what its agent runs with the books.
--
-- KEYS     leases  held  rq_worker
-- ARGV     lobby      str
--          name       str
--          epoch      str   of this agent's registration
--          lost_text  str   exc_string of a function lost with its node
--          now_ms     int   0 = the server's clock
--          runs       list  of the reservations that the agent runs, or whose results it has not yet delivered
-- RETURNS  {'beaten', {reservation, ...}}  to be stopped: canceled, deleted, or forgotten by Redis
--          {'stale'}                       the node has another epoch: nothing of it is this agent's
-- @include lib/reconcile
-- @include lib/lapse

local now = clock(now_ms)
local node = own_node(name, epoch, now)
if not node then
  return {'stale'}
end
local lease_ms = tonumber(node.lease_ms)
redis.call('ZADD', K.leases, now + lease_ms, name)
local worker = K.rq_worker .. lobby .. '.' .. name
redis.call('HSET', worker, 'last_heartbeat', iso(now))
redis.call('PEXPIRE', worker, 3 * lease_ms)
local has, forgotten = {}, {}
for i = runs_first, #ARGV do
  has[ARGV[i]] = true
  -- Redis was rolled back: nothing is reserved for what runs there.
  if redis.call('HEXISTS', K.held .. name, ARGV[i]) == 0 then
    forgotten[#forgotten + 1] = ARGV[i]
  end
end
local stops = reconcile(node, redis.call('HKEYS', K.held .. name), has, lost_text, lobby, now)
for _, id in ipairs(forgotten) do
  stops[#stops + 1] = id
end
return {'beaten', stops}
