-- A demand is what one function asks for: its shapes in order of preference, joined by `&`. One behind `30000:` joins
-- after so many milliseconds of waiting.
--
-- PARSED   demands        text -> the demand
--          sound_demands  text -> whether it can be looked for
-- @include texts/cost  texts/number  texts/shape

-- -> {{shape = text, after = ms}, ...}
function Demand.read(text)
  local demand = Parsed.demands[text]
  if not demand then
    demand = {}
    for each in string.gmatch(text .. '&', '([^&]*)&') do
      local after, shape = string.match(each, '^(%d+):(.*)$')
      demand[#demand + 1] = {shape = shape or each, after = tonumber(after or 0)}
    end
    Parsed.demands[text] = demand
  end
  return demand
end

-- What is asked for, whenever: the same for all demands that the same nodes could hold.
function Demand.shapes(demand)
  local shapes = {}
  for i, variant in ipairs(demand) do
    shapes[i] = variant.shape
  end
  return table.concat(shapes, '&')
end

-- Longer than any that clients write: what it costs to look for a node grows with it.
local LONGEST, MOST_VARIANTS = 2 ^ 20, 64

local function is_sound(text)
  if #text > LONGEST then
    return false
  end
  local demand = Demand.read(text)
  for _, variant in ipairs(demand) do
    if variant.after > Number.MOST or not Shape.is_sound(variant.shape) then
      return false
    end
  end
  return #demand <= MOST_VARIANTS
end

-- Whether it is one that can be looked for; of many functions that ask for the same it is found out once.
function Demand.is_sound(text)
  local sound = Parsed.sound_demands[text]
  if sound == nil then
    sound = is_sound(text)
    Parsed.sound_demands[text] = sound
  end
  return sound
end

local function write(demand)
  local parts = {}
  for i, variant in ipairs(demand) do
    parts[i] = (variant.after > 0 and Number.text(variant.after) .. ':' or '') .. variant.shape
  end
  return table.concat(parts, '&')
end

local function changed(text, change)
  local demand = {}
  for i, variant in ipairs(Demand.read(text)) do
    demand[i] = {shape = change(Shape.read(variant.shape)), after = variant.after}
  end
  return write(demand)
end

-- A demand of which every shape must satisfy further terms.
function Demand.constrained(text, terms)
  return changed(text, function(shape)
    return Shape.write(shape.cost, shape.constraints .. (shape.constraints ~= '' and ';' or '') .. terms)
  end)
end

-- A demand of which every shape asks for so much of a resource, or for more.
function Demand.with_least(text, resource, units)
  return changed(text, function(shape)
    local wants, is_in = {}, false
    for i, want in ipairs(shape.wants) do
      is_in = is_in or want[1] == resource
      wants[i] = want[1] == resource and {resource, math.max(want[2], units)} or want
    end
    return is_in and Shape.write(Cost.write(wants), shape.constraints) or shape.text
  end)
end

-- A demand of which no shape asks for a resource any more.
function Demand.without(text, resource)
  return changed(text, function(shape)
    local wants = {}
    for _, want in ipairs(shape.wants) do
      wants[#wants + 1] = want[1] ~= resource and want or nil
    end
    return Shape.write(Cost.write(wants), shape.constraints)
  end)
end
