-- Collocated functions of a run: the first that is ready chooses a node, the others are pinned to it.
--
-- `groups` of a run has per group `<g>|members` (numbers, with commas), `<g>|terms` (what its node must be), and once
-- chosen `<g>|node`; `<g>|chooser` is the number of the one that is looking for a node (and `<number>|chooses` its
-- group), behind which the others that are ready are parked. A node is chosen again when it is lost, drained or quiet.
--
-- KEYS     run_groups  run_parked  run_active  grouped
-- @lazy
-- @include lib/run
-- @include lib/job

-- Those of the group that wait, pinned to that node, choose again with the rest.
local function leave_node(run, group, name)
  redis.call('HDEL', K.run_groups .. run, group .. '|node')
  redis.call('SREM', K.grouped .. name, run .. '|' .. group)
  later('regroup', run, group)
end

-- A demand of which every shape must satisfy further terms.
local function constrained(demand, terms)
  local parts = {}
  for variant in string.gmatch(demand, '[^&]+') do
    parts[#parts + 1] = variant .. (string.find(variant, '@', 1, true) and ';' or '@') .. terms
  end
  return table.concat(parts, '&')
end

-- Whether the rest of a group can be served by the node that was chosen.
local function may_stay(node, terms)
  return node and node.state == 'up' and not node.draining and not node.quiet
    and allows(node, shape_of('@' .. terms).terms)
end

-- What a function of a group asks for as things are now. -> false: another of its group is about to choose
local function join_group(job)
  local run, group, number = job.h_run, job.h_group, number_of(job.id)
  local fields = redis.call('HMGET', K.run_groups .. run, group .. '|node', group .. '|chooser', group .. '|terms')
  local node = fields[1] and load_node(fields[1])
  local demand
  if not fields[3] then
    -- The run has ended, and this one was brought back by rq's requeue.
    demand = job.h_base
  elseif redis.call('SISMEMBER', K.run_active .. run, number) == 0 then
    -- Brought back after it had been counted: nobody waits behind it.
    demand = constrained(job.h_base, fields[3])
  elseif may_stay(node, fields[3]) then
    demand = constrained(job.h_base, 'node=' .. node.name)
  else
    if fields[1] then
      leave_node(run, group, fields[1])
    end
    local chooser = fields[2]
    if chooser and chooser ~= number and redis.call('SISMEMBER', K.run_active .. run, chooser) == 1 then
      redis.call('RPUSH', K.run_parked .. run .. ':' .. group, number)
      return false
    end
    redis.call('HSET', K.run_groups .. run, group .. '|chooser', number, number .. '|chooses', group)
    demand = constrained(job.h_base, fields[3])
  end
  if demand ~= job.h_demand then
    set_job(job, 'h_demand', demand)
  end
  return true
end

-- A function of a group was placed.
local function choose_for_group(job, node)
  local run, group, number = job.h_run, job.h_group, number_of(job.id)
  local chosen = redis.call('HMGET', K.run_groups .. run, group .. '|terms', group .. '|node')
  local is_counted = not job.h_reserved and redis.call('SISMEMBER', K.run_active .. run, number) == 0
  if not chosen[1] or is_counted then
    return
  end
  if chosen[2] ~= node.name then
    if chosen[2] then
      redis.call('SREM', K.grouped .. chosen[2], run .. '|' .. group)
    end
    redis.call('HSET', K.run_groups .. run, group .. '|node', node.name)
    redis.call('SADD', K.grouped .. node.name, run .. '|' .. group)
  end
  resign(run, group, number)
end

-- The groups that have chosen a node may choose again.
local function disband_groups(node)
  if redis.call('EXISTS', K.grouped .. node.name) == 1 then
    later('disband', node.name, '0')
  end
end
