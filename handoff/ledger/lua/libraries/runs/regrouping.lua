-- Collocated functions whose group chooses a node again, or has chosen one.
--
-- KEYS     groups_on  run_groups  run_parked
-- @include jobs/job  nodes/node  runs/groups  runs/members  runs/steps  texts/group_field  waiting/waiting

-- Those that were parked behind the one that chose are ready. `from` counts how many are left to look at: who is parked
-- again, behind the next that chooses, is not looked at twice.
function Regrouping.unpark(step)
  local parked = K.run_parked .. GroupField.parked(step.run, step.number)
  local left = step.from > 0 and step.from or redis.call('LLEN', parked)
  local cost = Steps.STEP
  while left > 0 and cost < step.budget do
    local number = redis.call('LPOP', parked)
    if not number then
      return cost
    end
    local job = Members.job(step.run, number)
    if job.status == 'deferred' and job.state == 'parked' then
      step.ready[#step.ready + 1] = job
    end
    left, cost = left - 1, cost + Steps.STEP
  end
  return cost, left > 0 and left or nil
end

-- Those that wait, pinned to the node that was chosen, are ready anew.
function Regrouping.regroup(step)
  local members = redis.call('HGET', K.run_groups .. step.run, GroupField.of(step.number, 'members'))
  if not members then
    return Steps.SMALL
  end
  return Steps.each_number(step, members, function(number)
    if not Members.is_active(step.run, number) then
      return Steps.SMALL
    end
    local job = Members.job(step.run, number)
    if Job.is_waiting(job) then
      Waiting.stop(job)
      step.ready[#step.ready + 1] = job
    end
    return Steps.STEP
  end)
end

-- A node takes nothing any more: the groups that have chosen it choose again. It stands in the place of the run.
function Regrouping.disband(step)
  local name = step.run
  local node = Node.load(name)
  if node and node.state == 'up' and not Node.is_closing(node) then
    -- It is back.
    return Steps.STEP
  end
  for _, each in ipairs(redis.call('SPOP', K.groups_on .. name, math.ceil(step.budget))) do
    local run, group = GroupField.read_on_node(each)
    if run and redis.call('HGET', K.run_groups .. run, GroupField.of(group, 'node')) == name then
      Groups.leave_node(run, group, name)
    end
  end
  return Steps.STEP, redis.call('EXISTS', K.groups_on .. name) == 1 and 0 or nil
end
