-- What is noted of the head of each shape (texts/note), to tell how often it was overtaken: see waiting/counters.
--
-- KEYS     notes  shape  waiting
-- @include texts/cost  texts/note  texts/resource  waiting/counters

function Notes.write(shape_text, note)
  redis.call('HSET', K.notes, shape_text, Note.write(note))
end

-- What the counters say while this function becomes the head.
function Notes.of_head(shape, job_id)
  local families, all = {}, 0
  for i, want in ipairs(shape.wants) do
    families[i] = Resource.family(want[1])
  end
  local counts, gone = Counters.read(families)
  local counters = {}
  for i, family in ipairs(families) do
    counters[i] = {family, counts[i]}
    all = family == Resource.SLOTS and counts[i] or all
  end
  Notes.write(shape.text, {job = job_id, since = Call.now, place = redis.call('ZRANK', K.waiting, job_id) or 0, gone = gone,
    looked = all, late = Call.now, counters = Cost.write(counters)})
end

-- Anew, where what was noted cannot be read.
function Notes.begin(shape)
  local head = redis.call('ZRANGE', K.shape .. shape.text, 0, 0)[1]
  if head then
    Notes.of_head(shape, head)
  end
end

-- By how much the counter of each family of a head has grown, without the placements of functions that were in front
-- of it. -> {family -> count}, the largest
function Notes.growth(note)
  local was, families = Cost.read(note.counters), {}
  for i, counter in ipairs(was) do
    families[i] = counter[1]
  end
  local counts, all_gone = Counters.read(families)
  local gone = all_gone - note.gone
  local moved = math.max(0, note.place - (redis.call('ZRANK', K.waiting, note.job) or 0) - gone)
  local grown, most = {}, 0
  for i, counter in ipairs(was) do
    local by = math.max(0, counts[i] - counter[2] - moved)
    grown[counter[1]], most = by, math.max(most, by)
  end
  return grown, most
end

-- How often a head was overtaken by what used what it lacks.
function Notes.overtakes(note, lists)
  local grown = Notes.growth(note)
  local most = 0
  for _, lacks in ipairs(lists) do
    for _, resource in ipairs(lacks) do
      most = math.max(most, grown[Resource.family(resource)] or 0)
    end
  end
  return most
end
