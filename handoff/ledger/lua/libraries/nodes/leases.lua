-- The leases of agents, in time of `Call.uptime` (time/clock).
--
-- KEYS     lease_lengths  leases
-- STATE    has_late  false  whether leases are over whose nodes are not lost yet: more than one script has time for
-- @include texts/number

-- From now on, for its whole length.
function Leases.renew(node)
  redis.call('ZADD', K.leases, Number.text(Call.uptime + tonumber(node.lease_ms)), node.name)
end

function Leases.begin(node)
  redis.call('ZADD', K.lease_lengths, node.lease_ms, node.name)
  Leases.renew(node)
end

function Leases.drop(name)
  redis.call('ZREM', K.leases, name)
  redis.call('ZREM', K.lease_lengths, name)
end

-- What is left of it in ms, at least 0; nil where nobody has a lease. `unheard_ms`: so much more has passed.
function Leases.left(name, unheard_ms)
  local ends = tonumber(redis.call('ZSCORE', K.leases, name) or nil)
  return ends and math.max(0, ends - Call.uptime - (unheard_ms or 0))
end

-- Whether any is over: asked before all else, and mostly the answer.
function Leases.are_over()
  local first = redis.call('ZRANGE', K.leases, 0, 0, 'WITHSCORES')[2]
  return first ~= nil and tonumber(first) <= Call.uptime
end

-- Some whose time is over.
function Leases.over(count)
  return redis.call('ZRANGEBYSCORE', K.leases, '-inf', Call.uptime, 'LIMIT', 0, count)
end

-- To be asked when as many were lost as this script has time for. -> whether there are more
function Leases.look_for_late()
  Call.has_late = #Leases.over(1) > 0
  return Call.has_late
end

function Leases.is_late(name)
  return Call.has_late and Leases.left(name) == 0
end

-- Those that became so after a moment, the first of them. -> their names, and until which moment these are all
function Leases.late(after, count)
  local found = redis.call('ZRANGEBYSCORE', K.leases, '(' .. Number.text(after), Number.text(Call.uptime), 'WITHSCORES',
    'LIMIT', 0, count)
  local names = {}
  for i = 1, #found, 2 do
    names[#names + 1] = found[i]
  end
  -- With the last score others may have ended that did not come along.
  return names, #names < count and Call.uptime or tonumber(found[#found]) - 1
end
