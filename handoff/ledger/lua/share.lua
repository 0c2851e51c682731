-- Set how much the whole cluster shares of the resources named; the others stay as they are.
--
-- KEYS     node  dirty  nodes  able  live
-- ARGV     lobby      str
--          amounts    str   license=50000,seats=0: 0 takes one away
--          lost_text  str   exc_string of a function lost with its node
--          now_ms     int   0 = the server's clock
-- RETURNS  {'shared', {resource, units, ...}}  all that is shared now
--          {'taken', resource, node}           a node has that one for itself; nothing was written
-- @include lib/settle
-- @include lib/lapse

local now = clock(now_ms)
lapse_leases(now)
local shared = load_shared()
for resource, units in string.gmatch(amounts, '([^=,]+)=(%d+)') do
  -- On that node two functions would each be sure of it.
  local having = units ~= '0' and not shared.cap[resource] and satisfying('cap', K.live, {{resource, 1}})
  local position = having and first_of(having) or -1
  drop_scratch()
  if position >= 0 then
    return {'taken', resource, node_at(position).name}
  end
end
shared = open_shared()
end_hold(shared, now)
local was_given_up = false
for resource, units in string.gmatch(amounts, '([^=,]+)=(%d+)') do
  if units == '0' then
    was_given_up = was_given_up or shared.cap[resource] ~= nil
    shared.cap[resource] = nil
    redis.call('HDEL', K.node .. SHARED, 'cap:' .. resource)
    if (shared.used[resource] or 0) == 0 then
      redis.call('HDEL', K.node .. SHARED, 'used:' .. resource)
      shared.used[resource] = nil
    end
  else
    shared.cap[resource] = tonumber(units)
    redis.call('HSET', K.node .. SHARED, 'cap:' .. resource, units)
  end
end
write_node(shared)
set_tried(shared, {})
recall_fronts()
redis.call('DEL', K.able)
redis.call('ZADD', K.dirty, '-inf', SHARED)
if was_given_up then
  -- From now on it is what each node has of it that counts.
  for _, name in ipairs(redis.call('ZRANGE', K.nodes, 0, -1)) do
    redis.call('ZADD', K.dirty, '-inf', name)
  end
end
local listed = {}
for resource, units in pairs(shared.cap) do
  listed[#listed + 1], listed[#listed + 2] = resource, text(units)
end
close_shared()
emit(now, 'shared', 'amounts', amounts)
settle(lost_text, lobby, now, 16)
return {'shared', listed}
