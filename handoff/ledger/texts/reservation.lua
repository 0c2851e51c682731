-- Reservations: the id `<job>:<number of the placement>`, and the record
-- `<epoch>|<since, ms>|<cost>|<devices>|<cost of what is shared>`.
--
-- The id is also the name under which RQ knows the execution. Claims have ids of another form.
--
-- @include texts/number

-- The id of what other programs use: neither a function's, nor a claim's.
Reservation.EXTERNAL = 'external'

function Reservation.is_job_id(text)
  return string.find(text, '^[%w_-]+$') ~= nil
end

function Reservation.id(job_id, placement)
  return job_id .. ':' .. placement
end

-- -> job id, number of the placement; nil of a claim
function Reservation.parts(id)
  return string.match(id, '^([%w_-]+):(%d+)$')
end

-- Whether what it holds can be read.
function Reservation.is_sound(record)
  return string.find(record, '^%d+|[1-9]%d*|[^|]*|[^|]*|') ~= nil
end

function Reservation.write(epoch, since_ms, cost, devices, shared_cost)
  return epoch .. '|' .. Number.text(since_ms) .. '|' .. cost .. '|' .. devices .. '|' .. shared_cost
end

-- -> cost, devices, cost of what is shared, since (ms), epoch; of what cannot be read, empty ones and 0
function Reservation.read(record)
  local epoch, since, cost, devices, shared_cost = string.match(record or '', '^(%d+)|(%d+)|([^|]*)|([^|]*)|(.*)$')
  return cost or '', devices or '', shared_cost or '', tonumber(since or 0), epoch or '0'
end
