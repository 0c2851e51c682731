-- Functions that are submitted together, one behind the other: how many values follow, then id of the job, demand, options,
-- priority, preferred, refuse (0, 1), delay_ms, due_ms, and its hash: name, value, ...
--
-- @include texts/number

local BEFORE_FIELDS = 8

-- Lua unpacks at most 8,000.
local MOST_VALUES = 1000

-- `values` from `first` on.
function Submission.are_sound(values, first)
  local at = first
  while at <= #values do
    local count = Number.whole(values[at], BEFORE_FIELDS, MOST_VALUES)
    if not count or at + count > #values then
      return false
    end
    local priority, refuse, delay, due = values[at + 4], values[at + 6], values[at + 7], values[at + 8]
    if not (Number.whole(priority, -Number.MOST) and Number.whole(refuse, 0, 1) and Number.whole(delay, -Number.MOST)
      and Number.whole(due, -Number.MOST)) then
      return false
    end
    at = at + 1 + count
  end
  return first <= #values
end

-- -> {{id, demand, ..., fields = {name, value, ...}}, ...}
function Submission.read(values, first)
  local all, at = {}, first
  while at <= #values do
    local fields, last = {}, at + tonumber(values[at])
    for i = at + 1 + BEFORE_FIELDS, last do
      fields[i - at - BEFORE_FIELDS] = values[i]
    end
    all[#all + 1] = {id = values[at + 1], demand = values[at + 2], options = values[at + 3],
      priority = tonumber(values[at + 4]), preferred = values[at + 5], refuse = tonumber(values[at + 6]),
      delay_ms = tonumber(values[at + 7]), due_ms = tonumber(values[at + 8]), fields = fields}
    at = last + 1
  end
  return all
end
