-- Choosing the node that is held for the head of a shape, when it has been overtaken often or long enough.
--
-- KEYS     overtaking  noted  fronts  waiting  withheld  holds  heads  live  open
-- @lazy
-- @include lib/hold
-- @include lib/limits

-- Of more nodes than that, so many are compared, from another place on for each function: the nearest of a few is near.
local MOST_COMPARED = 8

-- What of a shape is missing on a node: resources in `lacks`, how much in relation to what is wanted in `gap`.
local function distance(node, shape)
  local shared = load_shared()
  local found = {node = node, lacks = {}, gap = 0}
  for _, want in ipairs(shape.wants) do
    if not shared.cap[want[1]] and not has_free(node.free, want) then
      found.lacks[#found.lacks + 1] = want[1]
      found.gap = found.gap + (want[2] - math.min(want[2], most_of(node.free, want[1]))) / want[2]
    end
  end
  return found
end

local function is_nearer(one, other)
  if not other or #one.lacks ~= #other.lacks then
    return not other or #one.lacks < #other.lacks
  end
  return one.gap < other.gap or (one.gap == other.gap and one.node.position < other.node.position)
end

local function could_hold(node, shape)
  return is_open(node) and allows(node, shape.terms) and has_room({free = values_of(node, 'cap')}, shape)
end

-- Whether any open node could hold the shape when idle, held or not.
local function is_able(shape)
  local shared = load_shared()
  for _, want in ipairs(shape.wants) do
    if shared.cap[want[1]] and shared.cap[want[1]] < want[2] then
      return false
    end
  end
  local node = shape.pin ~= '' and load_node(shape.pin)
  if shape.pin ~= '' then
    return node and could_hold(node, shape) or false
  end
  local from = satisfying('cap', allowing(shape.terms, K.open), wants_of_node(shape))
  local able = from and first_of(from) >= 0 or false
  drop_scratch()
  return able
end

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
    local node = load_node(shape.pin)
    local theirs = node and node.hold and tonumber(string.match(node.hold, '^(%d+)'))
    if not node or not could_hold(node, shape) or (theirs and theirs < rank) then
      return nil
    end
    return distance(node, shape)
  end
  local from = without(allowing(shape.terms, K.open), K.withheld)
  from = satisfying('cap', from, wants_of_node(shape))
  if not from then
    return nil
  end
  local best, looks = nil, 0
  each_of(from, from_anywhere(rank), function(node)
    local found = distance(node, shape)
    best = is_nearer(found, best) and found or best
    looks = looks + 1
    return looks == MOST_COMPARED
  end)
  return best
end

-- Whether one more may hold a node, or the last of those that do comes after this one. The shared tokens do not count.
local function may_hold(rank)
  local most = math.min(MOST_HOLDS, math.ceil(redis.call('BITCOUNT', K.live) / 2))
  local tokens = redis.call('ZSCORE', K.holds, SHARED)
  if redis.call('ZCARD', K.holds) - (tokens and 1 or 0) < most then
    return true
  end
  local last = redis.call('ZRANGE', K.holds, -2, -1, 'WITHSCORES')
  local i = last[3] and last[3] ~= SHARED and 3 or 1
  return tonumber(last[i + 1] or 0) > rank, last[i]
end

-- The families of `lacks` on top of what the holder lacked there before.
local function families(lacks, node, rank)
  local found = {}
  local before = node.hold and string.match(node.hold, '^' .. text(rank) .. '|[^|]*|(.*)$') or ''
  for lacked in string.gmatch(before, '[^,]+') do
    found[lacked] = true
  end
  for _, resource in ipairs(lacks) do
    found[family_of(resource)] = true
  end
  local sorted = {}
  for lacked in pairs(found) do
    sorted[#sorted + 1] = lacked
  end
  table.sort(sorted)
  return table.concat(sorted, ',')
end

local function grant(node, job_id, rank, lacks, now)
  local theirs = node.hold and tonumber(string.match(node.hold, '^(%d+)'))
  if theirs and theirs < rank then
    return
  end
  local listed = families(lacks, node, rank)
  if theirs == rank then
    if string.match(node.hold, '|([^|]*)$') ~= listed then
      begin_hold(node, job_id, rank, listed, now)
    end
    return
  end
  if theirs then
    end_hold(node, now)
  end
  local may, last = node.name == SHARED, nil
  if not may then
    may, last = may_hold(rank)
  end
  if may then
    if last then
      end_hold(load_node(last), now)
    end
    begin_hold(node, job_id, rank, listed, now)
  end
end

-- Where the holder holds already it goes on there, or nowhere.
local function own_hold(rank)
  for _, name in ipairs(redis.call('ZRANGEBYSCORE', K.holds, text(rank), text(rank))) do
    if name ~= SHARED then
      return load_node(name)
    end
  end
  return nil
end

-- What of the shared tokens is not there.
local function missing_tokens(shape)
  local shared, lacks = load_shared(), {}
  for _, want in ipairs(shape.wants) do
    if shared.cap[want[1]] and not has_free(shared.free, want) then
      lacks[#lacks + 1] = want[1]
    end
  end
  return lacks
end

-- By how much the counter of each resource of a head has grown, without the placements of functions that were in front
-- of it. -> {resource -> count}, the largest
local function growth(note)
  local fields, was = {}, {}
  for resource, count in string.gmatch(note.counters, '([^=,]+)=(%d+)') do
    fields[#fields + 1], was[#was + 1] = 'n:' .. resource, tonumber(count)
  end
  fields[#fields + 1] = 'gone'
  local counts = redis.call('HMGET', K.overtaking, unpack(fields))
  local gone = tonumber(counts[#fields] or 0) - note.gone
  local moved = math.max(0, note.place - (redis.call('ZRANK', K.waiting, note.job) or 0) - gone)
  local grown, most = {}, 0
  for i = 1, #was do
    local count = counts[i]
    local by = math.max(0, tonumber(count or 0) - was[i] - moved)
    grown[string.sub(fields[i], 3)], most = by, math.max(most, by)
  end
  return grown, most
end

-- How often a head was overtaken by what used what it lacks.
local function overtakes(note, lists)
  local grown = growth(note)
  local most = 0
  for _, lacks in ipairs(lists) do
    for _, resource in ipairs(lacks) do
      most = math.max(most, grown[family_of(resource)] or 0)
    end
  end
  return most
end

-- Let the head of a shape hold a node, if what it lacks there was used often enough. -> how often; nil: no open node
-- could hold it
local function try_to_hold(shape, note, rank, is_late, now)
  local own, tokens = own_hold(rank), missing_tokens(shape)
  local may = own or may_hold(rank)
  if not may and #tokens == 0 then
    return 0
  end
  if not is_able(shape) then
    return nil
  end
  local found = {lacks = {}}
  if own and could_hold(own, shape) then
    found = distance(own, shape)
  elseif may and not own then
    found = nearest_open(shape, rank) or found
    drop_scratch()
  end
  local count = overtakes(note, {found.lacks, tokens})
  if not is_late and count < limits() then
    return count
  end
  if #found.lacks > 0 then
    grant(found.node, note.job, rank, found.lacks, now)
  end
  if #tokens > 0 then
    grant(load_shared(), note.job, rank, tokens, now)
  end
  return 0
end

-- Look at the head of a shape: does it hold now? `is_late`: it has waited long enough, whoever overtook it. -> whether a
-- node was looked for, which takes longer than all the rest
local function consider(shape_text, is_late, now)
  local shape, note = shape_of(shape_text), read_note(redis.call('HGET', K.noted, shape_text))
  local rank = tonumber(redis.call('ZSCORE', K.heads .. shape.scope, shape_text))
  local _, count = growth(note)
  local is_due = is_late or count >= limits()
  if is_due then
    count = try_to_hold(shape, note, rank, is_late, now)
    if not count then
      -- Behind all others, until a node opens.
      count = 0
      redis.call('ZADD', K.fronts, 'XX', text(rank + BEHIND), shape_text)
    end
  end
  note.looked = tonumber(redis.call('HGET', K.overtaking, 'n:slots') or 0) - count
  note.late = is_late and now or note.late
  write_note(shape_text, note)
  return is_due
end
