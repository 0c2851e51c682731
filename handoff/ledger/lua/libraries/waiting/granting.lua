-- Choosing the node that is held for the head of a shape, when it has been overtaken often or long enough.
--
-- KEYS     hold_bits  holds  live  open
-- @include nodes/constraints  nodes/distance  nodes/feasible  nodes/find  nodes/fronts  nodes/heads  nodes/holds  nodes/index
-- @include nodes/node  nodes/scratch  nodes/shared  texts/list  texts/note  texts/resource  texts/shape
-- @include waiting/counters  waiting/limits  waiting/notes

-- Of more nodes than that, so many are compared, from another place on for each function: the nearest of a few is near.
local MOST_COMPARED = 8

-- The bits of a bitmap, beginning at a place that goes by the rank.
local function from_anywhere(rank)
  return function(bitmap)
    local bytes = redis.call('STRLEN', bitmap)
    local position = bytes > MOST_COMPARED and redis.call('BITPOS', bitmap, 1, rank % bytes) or -1
    return position >= 0 and position or redis.call('BITPOS', bitmap, 1)
  end
end

-- The nearest of the open nodes that could hold the shape when idle and that nobody is to have first. -> nil or
-- {node, lacks, gap}
local function nearest_open(shape, rank)
  if shape.pin ~= '' then
    -- A pinned function has no other node: an earlier one takes the hold over.
    local node = Node.load(shape.pin)
    local hold = node and Holds.on(node)
    if not node or not Feasible.on(node, shape) or (hold and hold.rank < rank) then
      return nil
    end
    return Distance.of(node, shape)
  end
  local from = Scratch.without(Constraints.among(shape.terms, K.open), K.hold_bits)
  from = Index.satisfying('cap', from, Shared.wants_of_node(shape))
  if not from then
    return nil
  end
  local best, looks = nil, 0
  Find.each(from, from_anywhere(rank), function(node)
    local found = Distance.of(node, shape)
    best = Distance.is_nearer(found, best) and found or best
    looks = looks + 1
    return looks == MOST_COMPARED
  end)
  return best
end

-- Whether one more may hold a node, or the last of those that do comes after this one. The shared tokens do not count.
local function may_hold(rank)
  local most = math.min(Limits.MOST_HOLDS, math.ceil(redis.call('BITCOUNT', K.live) / 2))
  local tokens = redis.call('ZSCORE', K.holds, Shared.NAME)
  if redis.call('ZCARD', K.holds) - (tokens and 1 or 0) < most then
    return true
  end
  local last = redis.call('ZRANGE', K.holds, -2, -1, 'WITHSCORES')
  local i = last[3] and last[3] ~= Shared.NAME and 3 or 1
  return tonumber(last[i + 1] or 0) > rank, last[i]
end

-- The families of what is lacked, on top of those of a hold before (or nil). -> {family, ...}, sorted
local function families_of(lacks, before)
  local found, sorted = {}, {}
  for _, family in ipairs(before and before.families or {}) do
    found[family] = true
  end
  for _, resource in ipairs(lacks) do
    found[Resource.family(resource)] = true
  end
  for family in pairs(found) do
    sorted[#sorted + 1] = family
  end
  table.sort(sorted)
  return sorted
end

local function grant(node, job_id, rank, lacks)
  local theirs = Holds.on(node)
  if theirs and theirs.rank < rank then
    return
  end
  if theirs and theirs.rank == rank then
    local families = families_of(lacks, theirs)
    if List.write(families) ~= theirs.lacks then
      Holds.begin(node, job_id, rank, families)
    end
    return
  end
  Holds.lift(node)
  local may, last = node.name == Shared.NAME, nil
  if not may then
    may, last = may_hold(rank)
  end
  if may then
    if last then
      Holds.lift_from(last)
    end
    Holds.begin(node, job_id, rank, families_of(lacks))
  end
end

-- Let the head of a shape hold a node, if what it lacks there was used often enough. -> how often; nil: no open node
-- could hold it
local function try_to_hold(shape, note, rank, is_late)
  local own, tokens = Holds.own(rank), Shared.missing(shape)
  local may = own or may_hold(rank)
  if not may and #tokens == 0 then
    return 0
  end
  if not Feasible.on_open(shape) then
    return nil
  end
  local found = {lacks = {}}
  if own and Feasible.on(own, shape) then
    found = Distance.of(own, shape)
  elseif may and not own then
    found = nearest_open(shape, rank) or found
    Scratch.drop()
  end
  local count = Notes.overtakes(note, {found.lacks, tokens})
  if not is_late and count < Limits.get() then
    return count
  end
  if #found.lacks > 0 then
    grant(found.node, note.job, rank, found.lacks)
  end
  if #tokens > 0 then
    grant(Shared.load(), note.job, rank, tokens)
  end
  return 0
end

-- Look at the head of a shape: does it hold now? `is_late`: it has waited long enough, whoever overtook it. -> whether a
-- node was looked for, which takes longer than all the rest
function Granting.consider(shape_text, is_late)
  local shape, note = Shape.read(shape_text), Note.read(Notes.of({shape_text})[1])
  local rank = Heads.rank(shape)
  if not note or not rank then
    return false
  end
  local _, count = Notes.growth(note)
  local is_due = is_late or count >= Limits.get()
  if is_due then
    count = try_to_hold(shape, note, rank, is_late)
    if not count then
      count = 0
      Fronts.put_behind(shape_text, rank)
    end
  end
  note.looked = Counters.all() - count
  note.late = is_late and Call.now or note.late
  Notes.write(shape_text, note)
  return is_due
end
