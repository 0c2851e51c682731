-- What a function tells while it runs: how far it is in its job, what it yields and what it prints in a stream each.
--
-- An entry is named by the placement and a number that its agent gives (texts/told_id): what is there is not added again,
-- and what an attempt has told stands together. A job that rq deletes takes no stream along: none is without an expiry.
--
-- KEYS     output  parts  progress
-- STATE    newest_told  {}  key -> {placement, number} of its newest entry
-- @include jobs/job  texts/number  texts/number_list  texts/progress  texts/reservation  texts/told_id

local KEPT_MS = 604800000

-- Of so many attempts what they have printed is kept.
local MOST_ATTEMPTS = 4

local IS_OUTPUT = {output = true, dropped = true}

-- The job of which a reservation is the attempt that runs now; nil where it is not, any more.
function Telling.job(reservation)
  local id, placement = Reservation.parts(reservation)
  local job = Job.read(id)
  return job and job.status == 'started' and job.placement == placement and job or nil
end

local function newest_of(key)
  local newest = Call.newest_told[key]
  if not newest then
    local found = redis.pcall('XREVRANGE', key, '+', '-', 'COUNT', 1)
    if found.err then
      -- What others put there is no stream.
      redis.call('DEL', key)
    end
    newest = {ToldId.read(found[1] and found[1][1] or '')}
    Call.newest_told[key] = newest
  end
  return newest
end

local function add(job, key, number, value)
  local newest, placement = newest_of(key), tonumber(job.placement)
  local is_new = placement > newest[1] or (placement == newest[1] and tonumber(number) > newest[2])
  if is_new then
    redis.call('XADD', key, ToldId.of(job.placement, number), 'attempt', job.attempts or 1, 'data', value)
    redis.call('PEXPIRE', key, KEPT_MS)
    newest[1], newest[2] = placement, tonumber(number)
  end
end

-- Note that this attempt has told something: by the first of those that are noted it shows what is of an earlier life.
local function note(job)
  local placements = NumberList.read(job.told or '')
  if placements[#placements] == job.placement then
    return
  end
  placements[#placements + 1] = job.placement
  if #placements > MOST_ATTEMPTS then
    table.remove(placements, 1)
    newest_of(K.output .. job.id)
    redis.call('XTRIM', K.output .. job.id, 'MINID', ToldId.of(placements[1], 0))
  end
  Job.set(job, 'told', NumberList.write(placements))
end

-- Have those know that wait for it how far it is. Where the clock was set back the entry would not be the newest.
local function announce(job)
  local key, entry = K.progress .. job.id, Number.text(Call.wall) .. '-1'
  if type(redis.pcall('XADD', key, 'MAXLEN', 1, entry, 'attempt', job.attempts or 1)) == 'table' then
    redis.call('DEL', key)
    redis.call('XADD', key, entry, 'attempt', job.attempts or 1)
  end
  redis.call('PEXPIRE', key, KEPT_MS)
end

function Telling.take(job, kind, number, value)
  note(job)
  if kind == 'progress' then
    Job.set(job, 'progress', Progress.write(job.attempts or 1, Call.wall, number, value))
    announce(job)
    return
  end
  local key = (IS_OUTPUT[kind] and K.output or K.parts) .. job.id
  newest_of(key)
  if kind == 'kept' then
    redis.call('XTRIM', key, 'MINID', ToldId.of(job.placement, number))
  elseif kind == 'dropped' then
    redis.call('XDEL', key, ToldId.of(job.placement, number))
  else
    add(job, key, number, value)
  end
end

-- See to it that a stream expires. -> whether it did not
function Telling.limit(key)
  return redis.call('PTTL', key) == -1 and redis.call('PEXPIRE', key, KEPT_MS) == 1
end

-- Of a job that is kept for so long from now: 0 = no longer, below = for ever, of which this is not kept as long.
function Telling.expire(job, left_ms)
  if not job.told then
    return
  end
  local output, parts, progress = K.output .. job.id, K.parts .. job.id, K.progress .. job.id
  if left_ms == 0 then
    redis.call('DEL', output, parts, progress)
  else
    left_ms = Number.text(left_ms > 0 and left_ms or KEPT_MS)
    redis.call('PEXPIRE', output, left_ms)
    redis.call('PEXPIRE', parts, left_ms)
    redis.call('PEXPIRE', progress, left_ms)
  end
end
