-- How far a node is from having room for a shape.
--
-- @include nodes/shared  nodes/values

-- What of a shape is missing on a node: resources in `lacks`, how much in relation to what is wanted in `gap`.
function Distance.of(node, shape)
  local shared = Shared.load()
  local found = {node = node, lacks = {}, gap = 0}
  for _, want in ipairs(shape.wants) do
    if not shared.cap[want[1]] and not Values.has(node.free, want) then
      found.lacks[#found.lacks + 1] = want[1]
      found.gap = found.gap + (want[2] - math.min(want[2], Values.most(node.free, want[1]))) / want[2]
    end
  end
  return found
end

function Distance.is_nearer(one, other)
  if not other or #one.lacks ~= #other.lacks then
    return not other or #one.lacks < #other.lacks
  end
  return one.gap < other.gap or (one.gap == other.gap and one.node.position < other.node.position)
end
