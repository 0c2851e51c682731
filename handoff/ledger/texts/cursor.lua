-- How far a walk over a set has come, `<SSCAN cursor>|<entries of that page that are done>`.
--
-- Of a set that Redis keeps packed a page is all of it, up to 512: it is gone through in slices.

Cursor.START = '0|0'

function Cursor.write(cursor, done)
  return cursor .. '|' .. done
end

-- -> cursor, entries done
function Cursor.read(text)
  local cursor, done = string.match(text, '^(%d+)|(%d+)$')
  return cursor, tonumber(done)
end
