-- A function that is handed to an agent with the hint: a mark, then each value as `<length>:<value>`: by which number of the
-- agent's calls it was started, the agent's incarnation and epoch, the reservation, and the job's hash, name, value, ...

local MARK = 'handoff-start '

-- `whole` is {{name, value, ...}, ...}
function Handed.write(op, incarnation, epoch, id, whole)
  local parts = {MARK}
  local function add(value)
    parts[#parts + 1] = #value .. ':' .. value
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
  return table.concat(parts)
end
