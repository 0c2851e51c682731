-- How far a function says that it is: `<attempt>|<when, ms>|<from 0 to 1>|<what it says to that>`.
--
-- @include texts/number

function Progress.write(attempt, at_ms, fraction, message)
  return table.concat({attempt, Number.text(at_ms), fraction, message}, '|')
end
