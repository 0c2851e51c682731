-- Collocated functions of a run: the first that is ready chooses a node, the others are pinned to it. The one that looks
-- for a node is the chooser, behind which the others that are ready are parked. A node is chosen again when it is lost,
-- drained or quiet, or too small for one that is tried with more memory.
--
-- KEYS     groups_on  run_groups  run_parked
-- @include jobs/job  nodes/constraints  nodes/fit  nodes/node  runs/leftovers  runs/members  texts/demand
-- @include texts/group_field  texts/run_id  texts/shape  texts/terms

local function field(group, kind)
  return GroupField.of(group, kind)
end

-- Those of the group that wait, pinned to that node, choose again with the rest.
function Groups.leave_node(run, group, name)
  redis.call('HDEL', K.run_groups .. run, field(group, 'node'))
  redis.call('SREM', K.groups_on .. name, GroupField.on_node(run, group))
  Leftovers.add('regroup', run, group)
end

-- Whether the rest of a group can be served by the node that was chosen.
local function may_stay(node, terms)
  return node and node.state == 'up' and not Node.is_closing(node) and Constraints.allow(node, Terms.read(terms))
end

-- What is tried with more memory may have outgrown the node of its group.
local function has_outgrown(node, job)
  for _, variant in ipairs(job.grown and Demand.read(job.base) or {}) do
    if Fit.idle(node, Shape.read(variant.shape)) then
      return false
    end
  end
  return job.grown
end

-- What a function asks for, on whichever node its group is.
function Groups.demand(job)
  local terms = job.group and Groups.terms(job.run, job.group)
  return terms and Terms.is_sound(terms) and Demand.constrained(job.base, terms) or job.demand
end

-- Wait behind another of the group that is about to choose, if there is one; else choose. -> whether it chooses
local function become_chooser(run, group, number, chooser)
  if chooser and chooser ~= number and Members.is_active(run, chooser) then
    redis.call('RPUSH', K.run_parked .. GroupField.parked(run, group), number)
    return false
  end
  redis.call('HSET', K.run_groups .. run, field(group, 'chooser'), number, field(number, 'chooses'), group)
  return true
end

-- What a function of a group asks for as things are now. -> false: another of its group is about to choose
function Groups.join(job)
  local run, group, number = job.run, job.group, RunId.number(job.id)
  local node_name, chooser, terms =
    unpack(redis.call('HMGET', K.run_groups .. run, field(group, 'node'), field(group, 'chooser'), field(group, 'terms')))
  local node = node_name and Node.load(node_name)
  local demand
  if terms and not Terms.is_sound(terms) then
    terms = ''
  end
  if not terms then
    -- The run has ended, and this one was brought back by rq's requeue.
    demand = job.base
  elseif not Members.is_active(run, number) then
    -- Brought back after it had been counted: nobody waits behind it.
    demand = Demand.constrained(job.base, terms)
  elseif may_stay(node, terms) and not has_outgrown(node, job) then
    demand = Demand.constrained(job.base, Terms.pin(node.name))
  else
    if node_name then
      Groups.leave_node(run, group, node_name)
    end
    if not become_chooser(run, group, number, chooser) then
      return false
    end
    demand = Demand.constrained(job.base, terms)
  end
  if demand ~= job.demand then
    Job.set(job, 'demand', demand)
  end
  return true
end

-- A function of a group was placed.
function Groups.choose(job, node)
  local run, group, number = job.run, job.group, RunId.number(job.id)
  local terms, chosen = unpack(redis.call('HMGET', K.run_groups .. run, field(group, 'terms'), field(group, 'node')))
  local is_counted = not job.reserved and not Members.is_active(run, number)
  if not terms or is_counted then
    return
  end
  if chosen ~= node.name then
    if chosen then
      redis.call('SREM', K.groups_on .. chosen, GroupField.on_node(run, group))
    end
    redis.call('HSET', K.run_groups .. run, field(group, 'node'), node.name)
    redis.call('SADD', K.groups_on .. node.name, GroupField.on_node(run, group))
  end
  Groups.resign(run, group, number)
end

-- The groups that have chosen a node may choose again.
function Groups.disband(node)
  if redis.call('EXISTS', K.groups_on .. node.name) == 1 then
    Leftovers.add('disband', node.name)
  end
end

-- Somebody waits behind the one that was to choose a node for its group.
function Groups.resign(run, group, number)
  if redis.call('HGET', K.run_groups .. run, field(group, 'chooser')) == number then
    redis.call('HDEL', K.run_groups .. run, field(group, 'chooser'), field(number, 'chooses'))
    Leftovers.add('unpark', run, group)
  end
end

-- rq deleted a function, and with it the word which group it was of.
function Groups.resign_everywhere(run, number)
  local group = redis.call('HGET', K.run_groups .. run, field(number, 'chooses'))
  if group then
    Groups.resign(run, group, number)
  end
end

-- -> the number of the one that chooses, or false
function Groups.chooser(run, group)
  return redis.call('HGET', K.run_groups .. run, field(group, 'chooser'))
end

-- -> what the node of a group must be, or false
function Groups.terms(run, group)
  return redis.call('HGET', K.run_groups .. run, field(group, 'terms'))
end

-- `members` and `terms` as texts.
function Groups.add(run, group, members, terms)
  redis.call('HSET', K.run_groups .. run, field(group, 'members'), members, field(group, 'terms'), terms)
end
