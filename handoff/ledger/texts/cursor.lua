-- How far a walk over a set or a hash has come, `<its cursor>|<entries of that page that are done, or left>`.
--
-- Of one that Redis keeps packed a page is all of it, up to 512: it is gone through in slices.
--
-- @include texts/number

Cursor.START = '0|0'

-- Below 2^64.
local LARGEST = '18446744073709551615'

-- The cursor of a scan, as it was kept; from the start where that cannot be read.
function Cursor.of_scan(text)
  local is_cursor = text and string.find(text, '^%d+$') and (#text < #LARGEST or (#text == #LARGEST and text <= LARGEST))
  return is_cursor and text or '0'
end

function Cursor.write(cursor, done)
  return cursor .. '|' .. done
end

-- -> cursor, entries done or left; of what cannot be read the start
function Cursor.read(text)
  local cursor, done = string.match(text, '^(%d+)|(%d+)$')
  return Cursor.of_scan(cursor), Number.whole(done) or 0
end
