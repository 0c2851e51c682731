-- What is noted of the head of each shape (texts/note), to tell how often it was overtaken: see waiting/counters.
--
-- KEYS     notes  waiting
-- STATE    new_heads  {}  shape -> a head that is not noted yet, its place, and the count of those that are gone
-- @finally save
-- @include texts/cost  texts/note  texts/resource  waiting/counters  waiting/firsts  writes

function Notes.write(shape_text, note)
  redis.call('HSET', K.notes, shape_text, Note.write(note))
end

function Notes.drop(shape_text)
  Call.new_heads[shape_text] = nil
  redis.call('HDEL', K.notes, shape_text)
end

-- It has become the head. `is_next`: for the one before it has left; then it mostly is the first of all that wait.
function Notes.begin(shape, job_id, is_next)
  local place = 0
  if not is_next or Firsts.of(K.waiting) ~= job_id then
    place = redis.call('ZRANK', Writes.settle(K.waiting), job_id) or 0
  end
  Call.new_heads[shape.text] = {shape = shape, job = job_id, place = place, gone = Counters.gone_now()}
end

-- -> {family -> count} of all that these heads ask for, and how many are gone
local function counts_for(heads)
  local families, counts = {}, {}
  for _, head in pairs(heads) do
    for _, want in ipairs(head.shape.wants) do
      local family = Resource.family(want[1])
      if not counts[family] then
        families[#families + 1], counts[family] = family, 0
      end
    end
  end
  local found, gone = Counters.read(families)
  for i, family in ipairs(families) do
    counts[family] = found[i]
  end
  return counts, gone
end

-- What the counters said when it became the head: of those only `gone` may have grown since.
local function text_of(head, counts, gone)
  local counters = {}
  for i, want in ipairs(head.shape.wants) do
    local family = Resource.family(want[1])
    counters[i] = {family, counts[family]}
  end
  return Note.write({job = head.job, since = Call.now, place = head.place, gone = gone - (Counters.gone_now() - head.gone),
    looked = counts[Resource.SLOTS] or 0, late = Call.now, counters = Cost.write(counters)})
end

-- Before anything counts by which they may be overtaken.
function Notes.save()
  local heads, flat = Call.new_heads, {}
  if not next(heads) then
    return
  end
  Call.new_heads = {}
  local counts, gone = counts_for(heads)
  for text, head in pairs(heads) do
    flat[#flat + 1], flat[#flat + 2] = text, text_of(head, counts, gone)
  end
  redis.call('HSET', K.notes, unpack(flat))
end

-- -> texts/note of each of these shapes, false where there is none
function Notes.of(shape_texts)
  Notes.save()
  return #shape_texts > 0 and redis.call('HMGET', K.notes, unpack(shape_texts)) or {}
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
  local moved = math.max(0, note.place - (redis.call('ZRANK', Writes.settle(K.waiting), note.job) or 0) - gone)
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
