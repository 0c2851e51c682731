-- The line of a shape: one ZSET of jobs by rank, its head, and every shape by what it needs.
--
-- All scheduling looks at heads only, so a million functions of forty shapes cost as forty.
--
-- KEYS     need  shape
-- STATE    first_in_line  {}  shape -> {job, rank}
-- @include jobs/queues  nodes/dirty  nodes/fronts  nodes/heads  nodes/judged  texts/number  waiting/notes  waiting/shapes

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
local function refresh_head(shape)
  local was = Heads.rank(shape)
  local head = Lines.head(shape)
  local is = tonumber(head[2])
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
  Heads.put(shape, head[2])
  Fronts.put(shape.text, head[2])
  if was then
    Shapes.move_head(shape, was, is)
  else
    Queues.list(Call.lobby)
    index_needs(shape, true)
    Shapes.add(shape, is)
  end
  Notes.begin(shape, head[1])
end

-- The first of a line, {job, rank}: empty where nobody waits.
function Lines.head(shape)
  if not Call.first_in_line[shape.text] then
    Call.first_in_line[shape.text] = redis.call('ZRANGE', K.shape .. shape.text, 0, 0, 'WITHSCORES')
  end
  return Call.first_in_line[shape.text]
end

function Lines.join(job, shape)
  local head = Heads.rank(shape)
  local is_new = redis.call('ZADD', K.shape .. shape.text, job.rank, job.id) == 1
  if is_new and head and tonumber(job.rank) > head then
    return
  end
  Call.first_in_line[shape.text] = nil
  refresh_head(shape)
  Dirty.turn_back(tonumber(job.rank))
end

function Lines.leave(job_id, shape)
  if redis.call('ZREM', K.shape .. shape.text, job_id) == 1 then
    Call.first_in_line[shape.text] = nil
    refresh_head(shape)
  end
end
