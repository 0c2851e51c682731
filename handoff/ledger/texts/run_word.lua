-- What is remembered of a run of which nothing is kept: `ended`; why it was dropped, `refused|<number>|<shortfall>` or
-- `short|<number>|<pin>|<cost>`.
--
-- @include texts/cost  texts/number

RunWord.ENDED = 'ended'

function RunWord.refused(number, shortfall)
  return 'refused|' .. number .. '|' .. shortfall
end

-- `short` is {resource, units, ...}
function RunWord.short(number, pin, short)
  local wants = {}
  for i = 1, #short, 2 do
    wants[#wants + 1] = {short[i], tonumber(short[i + 1])}
  end
  return table.concat({'short', number, pin, Cost.write(wants)}, '|')
end

-- -> the reply that was given: {'refused', number, shortfall} or {'short', number, pin, {resource, units, ...}}
function RunWord.read(text)
  local number, pin, cost = string.match(text, '^short|(%d+)|([^|]*)|(.*)$')
  if not number then
    return {'refused', string.match(text, '^refused|(%d+)|(.*)$')}
  end
  local short = {}
  for _, want in ipairs(Cost.read(cost)) do
    short[#short + 1], short[#short + 2] = want[1], Number.text(want[2])
  end
  return {'short', number, pin, short}
end
