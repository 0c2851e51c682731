-- Shapes: a cost and its constraint as one line, `cpu=20000,gpu=5000,slots=10000@node`, resources in order of name.
-- Functions of one shape are interchangeable to the scheduler.

local UNIT = 10000
local parsed = {}

-- -> {{resource, units}, ...}, pin ('' = any node)
local function parse_shape(shape)
  local known = parsed[shape]
  if not known then
    local cost, pin = shape, ''
    -- Node names may hold an @ too; resource names never do, so the first one divides.
    local at = string.find(shape, '@', 1, true)
    if at then
      cost, pin = string.sub(shape, 1, at - 1), string.sub(shape, at + 1)
    end
    local wants = {}
    for resource, units in string.gmatch(cost, '([^=,]+)=(%d+)') do
      wants[#wants + 1] = {resource, tonumber(units)}
    end
    known = {wants, pin, cost}
    parsed[shape] = known
  end
  return known[1], known[2], known[3]
end

-- Shapes that are pinned to a node are kept apart, so that room on one node never looks at another's.
local function scope_of(pin)
  return pin == '' and '' or '@' .. pin
end
