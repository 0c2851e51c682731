-- Moments as RQ writes them, such as 2026-01-31T12:00:00.000000Z.
--
-- STATE    timestamp  nil  that of this call, once it was asked for
-- PARSED   dates  days since 1970 -> the date

-- Days to civil date after Howard Hinnant's "chrono-compatible low-level date algorithms".
local function date(days)
  local z = days + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local day = doy - math.floor((153 * mp + 2) / 5) + 1
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  return string.format('%04d-%02d-%02d', year, month, day)
end

local function write(ms)
  local seconds = math.floor(ms / 1000)
  local days = math.floor(seconds / 86400)
  local rest = seconds - days * 86400
  Parsed.dates[days] = Parsed.dates[days] or date(days)
  return string.format('%sT%02d:%02d:%02d.%06dZ', Parsed.dates[days], math.floor(rest / 3600), math.floor(rest / 60) % 60,
    rest % 60, (ms - seconds * 1000) * 1000)
end

function Timestamp.now()
  Call.timestamp = Call.timestamp or write(Call.wall)
  return Call.timestamp
end
