-- Take away what is of nobody: what says of a node, a run, a class, a claim that it is there which is not.
--
-- Whether that is so is looked at here once more: meanwhile it may have come.
--
-- KEYS     abandoned  alike  awaited  class  classes  dependents  dirty  groups_on  hold_bits  holds  label  labels
--          learned  learners  lease_lengths  leases  leftovers  live  lost  node  nodes  open  output  parts  plane
--          planes  progress  renewed  reservations  run  run_active  run_end  run_graph  run_groups  run_missing
--          run_next  run_of  run_parked  running  scratch  shape  shape_bits  shape_plane  shape_planes  shape_scope
--          shape_term  shape_terms  shapes  timers  took  watched
-- ARGV     kind    str  mark, bit, key, parked, plane, timer, claim, reservation, tokens, able, nearest, label, term,
--                       member, group, worker, unique
--          of      str  a key's name in the schema, a node, a position, a class
--          member  str
-- RETURNS  {'mended'}
--          {'kept'}     it is somebody's
-- @include claims/claim_records  jobs/job  jobs/queues  jobs/telling  jobs/unique  jobs/worker  nodes/index  nodes/judged
-- @include nodes/node  nodes/reservations
-- @include nodes/shared  texts/group_field  texts/number  texts/reservation  texts/timer

local function is_node(name)
  return redis.call('ZSCORE', K.nodes, name) ~= false
end

local MARKS = {leases = K.leases, lease_lengths = K.lease_lengths, lost = K.lost, abandoned = K.abandoned, dirty = K.dirty,
  holds = K.holds}

local OF_NODES = {node = K.node, reservations = K.reservations, running = K.running, groups_on = K.groups_on}

local OF_RUNS = {run_active = K.run_active, run_missing = K.run_missing, run_groups = K.run_groups, run_next = K.run_next,
  run_graph = K.run_graph, run_end = K.run_end}

-- Of those of a run that has ended, what is kept with its results.
local KEPT = {run_groups = true, run_next = true, run_graph = true, run_end = true}

local OF_ALL_NODES = {live = K.live, open = K.open, hold_bits = K.hold_bits, planes = K.planes}

local OF_SHAPE_INDEX = {shape_plane = K.shape_plane, shape_scope = K.shape_scope, shape_term = K.shape_term,
  shape_planes = K.shape_planes, shape_terms = K.shape_terms}

-- States of runs, of which a timer of that kind may be.
local OF_TIMERS = {run = {running = true, stopping = true}, attached = {running = true, stopping = true},
  load = {loading = true}}

local GOING_ON = {loading = true, running = true, stopping = true}

-- Whether nothing of a run is to be done any more; where work of runs is left over nobody knows.
local function has_ended(run)
  return not GOING_ON[redis.call('HGET', K.run .. run, 'state')] and redis.call('EXISTS', K.leftovers) == 0
end

local TOLD = {output = K.output, parts = K.parts, progress = K.progress}

-- Anything of it may be forgotten, for it is learned anew.
local LEARNED = {learned = K.learned, took = K.took, learners = K.learners}

local OF_RANGES = {class = {K.class, K.classes}, alike = {K.alike, K.classes}, shape = {K.shape, K.shapes}}

local do_of = {}

function do_of.mark(key, name)
  return MARKS[key] and not is_node(name) and redis.call('ZREM', MARKS[key], name) == 1
end

-- What bitmaps say of a position that no node has.
function do_of.bit(position)
  position = tonumber(position)
  if not position or redis.call('ZRANGEBYSCORE', K.nodes, position, position)[1] then
    return false
  end
  Index.wipe(position)
  for _, key in ipairs({K.live, K.open, K.hold_bits}) do
    redis.call('SETBIT', key, position, 0)
  end
  for _, label in ipairs(redis.call('HKEYS', K.labels)) do
    redis.call('SETBIT', K.label .. label, position, 0)
  end
  for _, class in ipairs(redis.call('ZRANGE', K.classes, 0, -1)) do
    redis.call('SETBIT', K.alike .. class, position, 0)
  end
  return true
end

function do_of.key(key, name)
  if OF_NODES[key] then
    return not is_node(name) and redis.call('DEL', OF_NODES[key] .. name) == 1
  elseif OF_RUNS[key] then
    local is_kept = KEPT[key] and redis.call('HGET', K.run .. name, 'state')
    return not is_kept and has_ended(name) and redis.call('DEL', OF_RUNS[key] .. name) == 1
  elseif OF_RANGES[key] then
    local prefix, all = unpack(OF_RANGES[key])
    return not redis.call('ZSCORE', all, name) and redis.call('DEL', prefix .. name) == 1
  elseif key == 'label' then
    return redis.call('HEXISTS', K.labels, name) == 0 and redis.call('DEL', K.label .. name) == 1
  elseif OF_ALL_NODES[key] then
    return redis.call('EXISTS', K.nodes) == 0 and redis.call('DEL', OF_ALL_NODES[key]) == 1
  elseif OF_SHAPE_INDEX[key] then
    local is_known = redis.call('EXISTS', K.shape_bits) == 1
      and (key ~= 'shape_term' or redis.call('HEXISTS', K.shape_terms, name) == 1)
    return not is_known and redis.call('DEL', OF_SHAPE_INDEX[key] .. name) == 1
  elseif key == 'run_of' then
    local run = redis.call('GET', K.run_of .. name)
    return run and not redis.call('HGET', K.run .. run, 'state') and redis.call('DEL', K.run_of .. name) == 1
  elseif TOLD[key] then
    return Telling.limit(TOLD[key] .. name)
  elseif LEARNED[key] then
    return redis.call('DEL', LEARNED[key] .. name) == 1
  elseif key == 'dependents' then
    -- Whoever looks at it next lets go on what waits for nothing any more.
    local is_known = redis.call('ZSCORE', K.awaited, name) or redis.call('ZSCORE', K.watched, name)
    return not is_known and redis.call('EXISTS', K.dependents .. name) == 1
      and redis.call('ZADD', K.awaited, Number.text(Call.now), name) == 1
  elseif key == 'scratch' then
    return redis.call('DEL', K.scratch .. name) == 1
  end
  return false
end

-- The line of those that are parked in a run.
function do_of.parked(run, line)
  return has_ended(run) and redis.call('DEL', K.run_parked .. line) == 1
end

-- `name` is of a plane, `index` the index that it is of, which has so many.
function do_of.plane(index, name)
  return redis.call('HEXISTS', K.planes, index) == 0 and redis.call('DEL', K.plane .. name) == 1
end

function do_of.timer(_, text)
  local timer, name = Timer.read(text)
  local states = OF_TIMERS[timer or '']
  local is_stale = (timer == 'drain' and not redis.call('HGET', K.node .. name, 'draining'))
    or (timer == 'expire' and Job.get(name, 'status') == 'started')
    or (states and not states[redis.call('HGET', K.run .. name, 'state')] and redis.call('EXISTS', K.leftovers) == 0)
  return is_stale and redis.call('ZREM', K.timers, text) + redis.call('ZREM', K.renewed, text) > 0
end

function do_of.unique(_, key)
  return Unique.drop_stray(key)
end

function do_of.claim(name, id)
  if name ~= '' and Reservations.has(name, id) then
    return false
  end
  ClaimRecords.drop(id)
  return true
end

-- One that is no claim's.
function do_of.reservation(name, id)
  local node = Node.load(name)
  return node and Reservations.give_back(node, id, 'mended')
end

-- What a reservation has of what all share, by the record of the node that has it.
function do_of.tokens(name, id)
  local record = name ~= '' and redis.call('HGET', K.reservations .. name, id)
  local _, _, shared_cost = Reservation.read(record or nil)
  if shared_cost == '' then
    Reservations.give_back_tokens(id)
  else
    redis.call('HSET', K.reservations .. Shared.NAME, id, Reservation.write('0', Call.now, shared_cost, '', ''))
  end
  return true
end

-- What was remembered of who could hold it is forgotten at the end.
function do_of.able()
  return true
end

do_of.nearest = do_of.able

local function count(all, prefix, name)
  local bits = redis.call('BITCOUNT', prefix .. name)
  if bits > 0 then
    redis.call('HSET', all, name, bits)
  else
    redis.call('HDEL', all, name)
    redis.call('DEL', prefix .. name)
  end
  return true
end

function do_of.label(_, name)
  return count(K.labels, K.label, name)
end

function do_of.term(_, name)
  return count(K.shape_terms, K.shape_term, name)
end

function do_of.member(class, name)
  if redis.call('HGET', K.node .. name, 'class') == class then
    return false
  end
  return redis.call('ZREM', K.class .. class, name) == 1
end

function do_of.group(name, text)
  local run, group = GroupField.read_on_node(text)
  if run and redis.call('HGET', K.run_groups .. run, GroupField.of(group, 'node')) == name then
    return false
  end
  return redis.call('SREM', K.groups_on .. name, text) == 1
end

-- RQ's worker of a node that no agent has.
function do_of.worker(name)
  if redis.call('HGET', K.node .. name, 'kind') == 'leased' then
    return false
  end
  Worker.forget(Queues.of(name))
  return true
end

local is_done = do_of[kind] and do_of[kind](of, member)
-- Of what was mended some may say who could hold what.
Judged.forget()
return {is_done and 'mended' or 'kept'}
