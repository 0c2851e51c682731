-- What becomes due by the clock alone: `<kind>|<of whom>`, of a variant that joins later `after|<its number>|<job>`.

function Timer.of(kind, name)
  return kind .. '|' .. name
end

function Timer.after(number, job_id)
  return 'after|' .. number .. '|' .. job_id
end

-- -> kind, of whom, number of the variant or nil
function Timer.read(text)
  local kind, rest = string.match(text, '^(%l+)|(.*)$')
  if kind == 'after' then
    local number, job_id = string.match(rest, '^(%d+)|(.*)$')
    return job_id and kind, job_id, tonumber(number or nil)
  end
  return kind, rest
end
