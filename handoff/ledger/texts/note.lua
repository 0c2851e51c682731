-- What is noted of the head of a shape: `<job>|<since, ms>|<place>|<gone>|<looked>|<late>|<family=count,...>`.
--
-- `place` is where it stood among all that wait, `gone` how many had left without overtaking anybody, and the counters
-- how many placements had used each family, when it became the head. `looked` is the number of all placements at which
-- it counts as not overtaken, `late` the time from which it waits; both move on when it was looked at.
--
-- @include texts/number

function Note.write(note)
  return table.concat({note.job, Number.text(note.since), Number.text(note.place), Number.text(note.gone),
    Number.text(note.looked), Number.text(note.late), note.counters}, '|')
end

-- nil where it cannot be read.
function Note.read(text)
  local job, since, place, gone, looked, late, counters =
    string.match(text or '', '^([^|]*)|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|(.*)$')
  return job and {job = job, since = tonumber(since), place = tonumber(place), gone = tonumber(gone),
    looked = tonumber(looked), late = tonumber(late), counters = counters}
end

-- The same of one field, for many notes are looked at for it alone.
function Note.looked(text)
  return tonumber(string.match(text or '', '^[^|]*|%d+|%d+|%d+|(%d+)') or nil)
end
