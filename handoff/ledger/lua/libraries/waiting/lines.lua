-- The line of a shape: one ZSET of jobs by rank, its head, and every shape by what it needs.
--
-- All scheduling looks at heads only, so a million functions of forty shapes cost as forty.
--
-- KEYS     need  shape
-- STATE    joining  {}  text of a shape -> {rank, job, ...} of those that come behind the head of its line
-- @finally save
-- @include jobs/queues  nodes/dirty  nodes/fronts  nodes/heads  nodes/judged  texts/number  texts/shape
-- @include waiting/firsts  waiting/notes  waiting/shapes  writes

-- Lua unpacks at most 8,000 values.
local MOST = 1000

local function index_needs(shape, is_present)
  for _, want in ipairs(shape.wants) do
    local key = K.need .. want[1] .. shape.scope
    if is_present then
      redis.call('ZADD', key, Number.text(want[2]), shape.text)
    else
      redis.call('ZREM', key, shape.text)
    end
  end
end

-- Bring everything that goes by the heads in step with the shape's ZSET, of which a head came or went.
local function refresh_head(shape, is_next)
  local was = Heads.rank(shape)
  local job_id, rank = Firsts.of(K.shape .. shape.text)
  local is = rank and rank + 0
  if is == was then
    return
  end
  if not is then
    Heads.remove(shape)
    index_needs(shape, false)
    Shapes.remove(shape, was)
    Notes.drop(shape.text)
    Judged.drop(shape.text)
    Fronts.remove(shape.text)
    return
  end
  Heads.put(shape, rank)
  Fronts.put(shape.text, rank)
  if was then
    Shapes.move_head(shape, was, is)
  else
    Queues.list(Call.lobby)
    index_needs(shape, true)
    Shapes.add(shape, is)
  end
  Notes.begin(shape, job_id, is_next)
end

-- Write what joins a line. -> its key, and whether somebody stood there already, under the id of a job that rq deleted: who
-- was perhaps its head
local function settle(shape)
  local key, joining = K.shape .. shape.text, Call.joining[shape.text]
  if not joining then
    return key, false
  end
  Call.joining[shape.text] = nil
  local was_there = Firsts.put_all(key, joining) < #joining / 2
  if was_there then
    refresh_head(shape)
    Dirty.turn_back(Heads.rank(shape))
  end
  return key, was_there
end

function Lines.save()
  local has_moved = false
  for text in pairs(Call.joining) do
    local _, was_there = settle(Shape.read(text))
    has_moved = has_moved or was_there
  end
  if has_moved then
    Heads.save()
    Fronts.save()
    Notes.save()
  end
end

-- The first of a line. -> job, rank as text; nil where nobody waits
function Lines.head(shape)
  return Firsts.of(settle(shape))
end

-- Whether a job stands in it.
function Lines.has(shape, job_id)
  return redis.call('ZSCORE', Writes.settle(settle(shape)), job_id) ~= false
end

-- From a place on. -> {job, rank, ...}
function Lines.page(shape, from, count)
  return redis.call('ZRANGE', Writes.settle(settle(shape)), from, from + count - 1, 'WITHSCORES')
end

function Lines.join(job, shape)
  local head, rank = Heads.rank(shape), job.rank + 0
  local is_behind = head and rank > head
  if is_behind and not Writes.are_at_once() then
    local joining = Call.joining[shape.text] or {}
    local size = #joining
    joining[size + 1], joining[size + 2] = job.rank, job.id
    Call.joining[shape.text] = joining
    if size > MOST then
      settle(shape)
    end
  elseif Firsts.put(settle(shape), job.id, job.rank) ~= 1 or not is_behind then
    refresh_head(shape)
    Dirty.turn_back(rank)
  end
end

function Lines.leave(job_id, shape)
  local key = settle(shape)
  local first = Firsts.of(key)
  Firsts.take_off(key, job_id)
  if first == job_id then
    refresh_head(shape, true)
  end
end
