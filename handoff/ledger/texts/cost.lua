-- A cost, `cpu=20000,gpu=5000`: resources with units of 1/10,000, in order of name.
--
-- @include texts/number

-- -> {{resource, units}, ...} in the order of the text
function Cost.read(text)
  local wants = {}
  for resource, units in string.gmatch(text, '([^=,]+)=(%d+)') do
    wants[#wants + 1] = {resource, tonumber(units)}
  end
  return wants
end

-- -> {resource -> units}
function Cost.by_name(text)
  local units_of = {}
  for _, want in ipairs(Cost.read(text)) do
    units_of[want[1]] = want[2]
  end
  return units_of
end

function Cost.write(wants)
  local parts = {}
  for i, want in ipairs(wants) do
    parts[i] = want[1] .. '=' .. Number.text(want[2])
  end
  return table.concat(parts, ',')
end

-- Both parts of a cost, of which either may be empty.
function Cost.join(one, other)
  return one .. (one ~= '' and other ~= '' and ',' or '') .. other
end
