-- The line of a shape: one ZSET of jobs by rank, its head, and every shape by what it needs.
--
-- All scheduling looks at heads only, so a million functions of forty shapes cost as forty.
--
-- KEYS     need  shape
-- @include jobs/queues  nodes/dirty  nodes/fronts  nodes/heads  nodes/judged  texts/number  waiting/firsts
-- @include waiting/notes  waiting/shapes  writes

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
  local is = tonumber(rank)
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

-- The first of a line. -> job, rank as text; nil where nobody waits
function Lines.head(shape)
  return Firsts.of(K.shape .. shape.text)
end

-- Whether a job stands in it.
function Lines.has(shape, job_id)
  return redis.call('ZSCORE', Writes.settle(K.shape .. shape.text), job_id) ~= false
end

-- From a place on. -> {job, rank, ...}
function Lines.page(shape, from, count)
  return redis.call('ZRANGE', Writes.settle(K.shape .. shape.text), from, from + count - 1, 'WITHSCORES')
end

function Lines.join(job, shape)
  local head = Heads.rank(shape)
  local is_new = Firsts.put(K.shape .. shape.text, job.id, job.rank)
  if is_new and head and tonumber(job.rank) > head then
    return
  end
  refresh_head(shape)
  Dirty.turn_back(tonumber(job.rank))
end

function Lines.leave(job_id, shape)
  local key = K.shape .. shape.text
  local first = Firsts.of(key)
  Firsts.take_off(key, job_id)
  if first == job_id then
    refresh_head(shape, true)
  end
end
