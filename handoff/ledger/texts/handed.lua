-- A function that is handed to an agent with the hint: a mark, then an array of bulk strings as Redis writes one (RESP): by
-- which number of the agent's calls it was started, the agent's incarnation and epoch, the reservation, and the job's hash,
-- name, value, ...
--
-- PARSED   sizes  number -> what stands before a value of so many bytes: to write a number takes longer than all else here

local MARK = 'handoff-start *'

-- `whole` is {{name, value, ...}, ...}
function Handed.write(op, incarnation, epoch, id, whole)
  local parts, count = {MARK, ''}, 2
  local function add(value)
    local size = Parsed.sizes[#value]
    if not size then
      size = '\r\n$' .. #value .. '\r\n'
      Parsed.sizes[#value] = size
    end
    parts[count + 1], parts[count + 2], count = size, value, count + 2
  end
  add(op)
  add(incarnation)
  add(epoch)
  add(id)
  for _, flat in ipairs(whole) do
    for i = 1, #flat do
      add(flat[i])
    end
  end
  parts[2] = (count - 2) / 2
  parts[count + 1] = '\r\n'
  return table.concat(parts)
end
