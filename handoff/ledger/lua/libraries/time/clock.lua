-- The ledger's time, made of the server's clock, which may be set, and which nobody hears while the server is away.
--
-- `Call.now`, in ms, never goes back: where the clock is set back it goes on from the last moment that was noted, and is
-- `ahead` of the clock from then on, until that is set forward again. `Call.wall` is the clock itself: for what people
-- and RQ read, and for dates that people give.
--
-- `Call.uptime` is for leases, which somebody must have been able to renew: a gap in which no script ran (the server was
-- away, full or stopped, or its clock was set) was everybody's, and does not count. Of gaps with no script between them
-- but one each, a third of a lease counts each: where nobody is left but who calls rarely, leases end all the same.
--
-- What is noted: `last` (when), `ahead`, `down` (all that did not count, ms), `gap` (1: what ended at `last` was one), and
-- `layout`, where it was not (libraries/layout).
-- Only scripts note it that a full server refuses, and before they write anything else: those that it lets through, for
-- they free memory, would hide that no lease can be renewed.
--
-- KEYS     clock  lease_lengths
-- STATE    noted_time  nil  what is to be noted, where that is due
--          gap_ms      0    of `Call.uptime`: what does not count since the last note
-- @first start
-- @include layout  texts/number

local NOTED_EVERY_MS = 50

local USUAL_LEASE_MS = 15000

local BEYOND_ALL = 2 ^ 53

-- nil where it is no moment.
local function ms_of(text)
  local ms = tonumber(text or nil)
  return ms and ms >= 0 and ms < BEYOND_ALL and math.floor(ms) or nil
end

-- Between two heartbeats of the agent that beats the most often: a third of its lease.
local function longest_quiet()
  local shortest = redis.call('ZRANGE', K.lease_lengths, 0, 0, 'WITHSCORES')[2]
  return math.floor((tonumber(shortest) or USUAL_LEASE_MS) / 3)
end

function Clock.start()
  local noted = redis.call('HMGET', K.clock, 'last', 'ahead', 'down', 'gap', 'layout')
  -- Of no library one is made that it does not take.
  local layout = noted[5] ~= Call.layout and Layout.judge(noted[5], noted[1])
  local last, ahead, down = ms_of(noted[1]), ms_of(noted[2]) or 0, ms_of(noted[3]) or 0
  local now, was_gap, is_gap = Call.wall + ahead, noted[4] == '1', false
  local passed = last and now - last or 0
  if passed < 0 then
    ahead, now, passed = ahead - passed, last, 0
  end
  local is_due = layout or not last or passed > NOTED_EVERY_MS or was_gap or ahead ~= (ms_of(noted[2]) or 0)
  if passed > NOTED_EVERY_MS then
    local longest = longest_quiet()
    if passed > longest then
      -- The clock was set right again, or the server was away: nobody can tell, and the first is to bring us back to it.
      local back = math.min(ahead, passed)
      ahead, now, passed = ahead - back, now - back, passed - back
    end
    is_gap = passed > longest
    if is_gap then
      Call.gap_ms = passed - (was_gap and longest or 0)
      down = down + Call.gap_ms
    end
  end
  Call.now, Call.uptime = now, now - down
  if is_due then
    Call.noted_time = {'last', Number.text(now), 'ahead', Number.text(ahead), 'down', Number.text(down), 'gap',
      is_gap and '1' or '0'}
    if layout then
      table.insert(Call.noted_time, 'layout')
      table.insert(Call.noted_time, layout)
    end
  end
end

-- How much of the time since the last note is taken for a gap. Whoever only looks does not end it.
function Clock.gap()
  return Call.gap_ms
end

function Clock.note()
  if Call.noted_time then
    redis.call('HSET', K.clock, unpack(Call.noted_time))
    Call.noted_time = nil
  end
end
