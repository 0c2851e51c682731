-- The node where a function lacks least now.
--
-- KEYS     open
-- @include nodes/constraints  nodes/distance  nodes/find  nodes/fit  nodes/holds  nodes/index  nodes/node
-- @include nodes/scratch  nodes/shared  texts/index_name  texts/resource

-- Of more nodes than that, the nearest is looked for among those that lack one thing only, of which so many are tried.
local MOST_NEAR = 16
Near.MOST_TRIED = 16

-- Of nodes, for each want those that have all the others: AND from both ends, so that it takes as many steps as wants.
function Near.having_others(side, wants, nodes)
  local before, after, others = {[0] = nodes}, {[#wants + 1] = nodes}, {}
  for i = 1, #wants do
    before[i] = before[i - 1] and Index.satisfying(side, before[i - 1], {wants[i]})
  end
  for i = #wants, 1, -1 do
    after[i] = after[i + 1] and Index.satisfying(side, after[i + 1], {wants[i]})
  end
  for i = 1, #wants do
    others[i] = before[i - 1] and after[i + 1] and Scratch.both(before[i - 1], after[i + 1])
  end
  return others, before[#wants]
end

-- All that the index may say of a resource, and what one of it is in units.
function Near.forms_of(resource)
  local family = Resource.family(resource)
  return {{resource, 1}, {IndexName.idle(resource), Resource.UNIT}, {IndexName.share(resource), 1},
    family ~= resource and {IndexName.memory(family), 1} or nil}
end

-- Of nodes that lack nothing, or one resource only, the one that has the most of that.
local function nearest_by_one(shape, nodes)
  local wants = Shared.wants_of_node(shape)
  local others, all = Near.having_others('free', wants, nodes)
  if all and Scratch.first(all) >= 0 then
    return Distance.of(Node.at(Scratch.first(all)), shape)
  end
  local best, looks = nil, 0
  for i, want in ipairs(wants) do
    if looks < Near.MOST_TRIED and others[i] and Scratch.first(others[i]) >= 0 then
      looks = looks + 1
      for _, index in ipairs(Near.forms_of(want[1])) do
        local value, most = Index.largest('free', index[1], others[i])
        local found = (value > 0 or not best) and Distance.of(Node.at(Scratch.first(most)), shape)
        best = found and Distance.is_nearer(found, best) and found or best
      end
    end
  end
  return best
end

-- The node that lacks least of what the shape wants, of those that could ever hold it: where something is held for it,
-- that one. -> nil or {node, lacks, gap}
function Near.node(shape, rank)
  local own = Holds.own(rank)
  if own and Fit.idle(own, shape) then
    return Distance.of(own, shape)
  end
  local nodes = Scratch.without(Constraints.among(shape.terms, K.open), Holds.barred(shape, rank))
  nodes = Index.satisfying('cap', nodes, Shared.wants_of_node(shape))
  local best = nodes and redis.call('BITCOUNT', nodes) > MOST_NEAR and nearest_by_one(shape, nodes)
  local looks = 0
  if nodes and not best then
    Find.each(nodes, Scratch.first, function(node)
      local found = Distance.of(node, shape)
      best = Distance.is_nearer(found, best) and found or best
      looks = looks + 1
      return looks == MOST_NEAR
    end)
  end
  Scratch.drop_kept()
  return best or nil
end
