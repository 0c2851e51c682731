-- A hold, `<rank>|<job>|<families that it lacks, with commas>`: who comes later does not use these on that node.
--
-- @include texts/list  texts/number

-- `families` is {family, ...}
function Hold.write(rank, job_id, families)
  return Number.text(rank) .. '|' .. job_id .. '|' .. List.write(families)
end

-- -> {rank, job, families = {family, ...}, lacks = their text}, nil where it cannot be read
function Hold.read(text)
  local rank, job_id, lacks = string.match(text, '^(%d+)|([^|]*)|(.*)$')
  if not Number.whole(rank) then
    return nil
  end
  return {rank = tonumber(rank), job = job_id, families = List.read(lacks), lacks = lacks}
end
