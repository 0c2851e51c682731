-- What follows from an end in a run and is left over, `<kind>|<run>|<number>`: of which kind, in which run (or on which
-- node), of which function or group.

function Leftover.write(kind, run, number)
  return kind .. '|' .. run .. '|' .. number
end

-- -> kind, run, number
function Leftover.read(text)
  return string.match(text, '^(%l+)|([^|]*)|(.*)$')
end
