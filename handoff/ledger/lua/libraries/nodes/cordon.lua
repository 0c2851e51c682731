-- Closing a node on its own account: it takes no more, what runs there ends, what stands on its queue goes elsewhere (as on
-- every node that is closed: jobs/take, housekeeping/queue_sweep). It stays live, and it stays so over new registrations:
-- that an agent was started again does not say that anything was repaired.
--
-- KEYS     cordoned  delayed  live  nodes  open  shapes
-- @include jobs/job  jobs/queues  nodes/constraints  nodes/fit  nodes/holds  nodes/index  nodes/node  nodes/scratch
-- @include nodes/shared  nodes/standing  runs/groups  texts/cordoned  texts/demand  texts/shape  time/events

-- What is looked at, some 10 us each; where more wait, or stand on the queue, nobody could say who would be left without a
-- node, and none is closed.
local MOST_LOOKED_AT = 256

-- Of names that do not come back.
local KEPT_MS = 7 * 86400000

local function is_live(position)
  return redis.call('GETBIT', K.live, position) == 1
end

-- Whether of the live nodes no more than a third are closed with this one.
local function is_a_minority(node)
  local live, closed = redis.call('BITCOUNT', K.live) + (is_live(node.position) and 0 or 1), 1
  for _, name in ipairs(redis.call('HKEYS', K.cordoned)) do
    local position = redis.call('ZSCORE', K.nodes, name)
    if position and is_live(position) then
      closed = closed + 1
    end
  end
  return 3 * closed <= live
end

-- Whether any of the nodes in `others` could hold the shape when idle.
local function fits_any(others, shape)
  local able = shape.pin == ''
    and Index.satisfying('cap', Constraints.among(shape.terms, others), Shared.wants_of_node(shape))
  local found = able and Scratch.first(able) >= 0
  Scratch.drop()
  return found
end

-- Whether no other node could hold a function, by any of its variants.
local function needs_this(job, others)
  for _, variant in ipairs(Demand.read(job.demand or '')) do
    if Shape.is_sound(variant.shape) and fits_any(others, Shape.read(variant.shape)) then
      return false
    end
  end
  return true
end

-- The same of a function that may go anywhere, for which this node is one that could.
local function could_only_be_here(node, job, others)
  for _, variant in ipairs(Demand.read(job.demand or '')) do
    if Shape.is_sound(variant.shape) and Fit.idle(node, Shape.read(variant.shape)) then
      return needs_this(job, others)
    end
  end
  return false
end

-- Whether somebody would wait for this node alone who waits, stands on its queue, or is tried again: of those that are
-- delayed the first to be due.
local function is_needed(node)
  local queue = Queues.settle(Queues.of(node.name))
  if redis.call('ZCARD', K.shapes) > MOST_LOOKED_AT or redis.call('LLEN', queue) > MOST_LOOKED_AT then
    return true
  end
  local without = Scratch.key()
  redis.call('SETBIT', without, node.position, 1)
  local others = Scratch.keep('others', Scratch.without(K.open, without))
  local needed = false
  for _, text in ipairs(redis.call('ZRANGE', K.shapes, 0, -1)) do
    local shape = Shape.read(text)
    needed = needed or (Fit.idle(node, shape) and not fits_any(others, shape))
  end
  for _, id in ipairs(redis.call('LRANGE', queue, 0, -1)) do
    local job = Job.read(id)
    needed = needed or (job ~= nil and needs_this(job, others))
  end
  for _, id in ipairs(redis.call('ZRANGE', K.delayed, 0, MOST_LOOKED_AT - 1)) do
    local job = not needed and Job.read(id)
    needed = needed or (job and could_only_be_here(node, job, others)) or false
  end
  Scratch.drop_kept()
  return needed
end

-- Not one that an operator has in hand.
function Cordon.may_close(node)
  return not node.draining and is_a_minority(node) and not is_needed(node)
end

local function forget_the_gone()
  for _, name in ipairs(redis.call('HKEYS', K.cordoned)) do
    local since = Cordoned.read(redis.call('HGET', K.cordoned, name))
    if not redis.call('ZSCORE', K.nodes, name) and (since or 0) < Call.now - KEPT_MS then
      redis.call('HDEL', K.cordoned, name)
    end
  end
end

-- `codes` are the names of what died there.
function Cordon.close(node, codes)
  forget_the_gone()
  local text = Cordoned.write(Call.now, codes)
  local _, reason = Cordoned.read(text)
  redis.call('HSET', K.cordoned, node.name, text)
  Node.set_field(node, 'cordoned', text)
  Standing.set_open(node)
  Holds.lift(node)
  Groups.disband(node)
  Events.emit('node', 'node', node.name, 'change', 'cordoned', 'reason', reason)
end

-- Also of a name that is not there, and would come back closed. -> whether it was
function Cordon.open(name)
  local was_cordoned = redis.call('HDEL', K.cordoned, name) == 1
  local node = Node.load(name)
  if node and node.cordoned then
    Node.set_field(node, 'cordoned', nil)
    Standing.set_open(node)
    Events.emit('node', 'node', name, 'change', 'uncordoned')
  end
  return was_cordoned
end
