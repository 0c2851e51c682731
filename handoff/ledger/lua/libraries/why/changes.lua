-- The smallest change that would let a function start: another variant, one amount lowered, or what has to end first.
--
-- KEYS     live  open
-- @include nodes/constraints  nodes/find  nodes/holds  nodes/index  nodes/node  nodes/scratch  nodes/shared
-- @include texts/number  texts/resource  why/holders  why/near  why/releases

-- The most units below what is wanted that one of the nodes has of a resource, and a bitmap of those that have it.
local function most_below(side, want, nodes)
  local most, where = 0, nil
  for _, index in ipairs(Near.forms_of(want[1])) do
    local value, those = Index.largest(side, index[1], nodes)
    if value * index[2] > most and value * index[2] < want[2] then
      most, where = value * index[2], those
    end
  end
  return most, where
end

-- The one amount to lower, by as small a part as possible, so that some node had room: `side` is `free`, or `cap` for
-- room when idle. -> nil or {part, resource, wanted, there, node name, how many nodes}
local function lowered(shape, rank, side)
  local shared = Shared.load()
  local nodes = Constraints.among(shape.terms, K.live)
  if side == 'free' then
    nodes = Scratch.without(Scratch.both(nodes, K.open), Holds.barred(shape, rank))
  end
  local best
  local function consider_lower(want, there, where)
    local part = (want[2] - there) / want[2]
    if there > 0 and there < want[2] and (not best or part < best.part) then
      best = {part = part, resource = want[1], wanted = want[2], there = there,
        node = Node.at(Scratch.first(where)).name, nodes = redis.call('BITCOUNT', where)}
    end
  end

  local wants, tokens, short = Shared.wants_of_node(shape), Shared.tokens_of(shape), {}
  for _, want in ipairs(tokens) do
    local there = side == 'cap' and shared.cap[want[1]] or shared.free[want[1]] or 0
    if there < want[2] then
      short[#short + 1] = {want, there}
    end
  end
  local is_barred = side == 'free' and #tokens > 0 and (not Node.is_open(shared) or Holds.bars(shared, shape, rank))
  local others, all = Near.having_others(side, wants, nodes)
  if all and Scratch.first(all) >= 0 then
    if #short == 1 and not is_barred then
      consider_lower(short[1][1], short[1][2], all)
    end
  elseif #short == 0 and not is_barred then
    local looks = 0
    for i, want in ipairs(wants) do
      if want[1] ~= Resource.SLOTS and looks < Near.MOST_TRIED and others[i] and Scratch.first(others[i]) >= 0 then
        local there, where = most_below(side, want, others[i])
        consider_lower(want, there, where)
        looks = looks + 1
      end
    end
  end
  Scratch.drop_kept()
  return best
end

local function lowest_change(asked, rank, side)
  local best
  for _, each in ipairs(asked) do
    local found = lowered(each.shape, rank, side)
    if found and (not best or found.part < best.part) then
      best = found
      best.number = each.number
    end
  end
  return best and {side == 'free' and 'lower' or 'lower_capacity', best.number, best.resource, Number.text(best.wanted),
    Number.text(best.there), best.node, best.nodes}
end

-- The smallest change after which it could start now, or if no node is able to hold it, after which one would be.
-- `asked` and `others` are the variants that count and those that do not yet, as {number, shape}.
-- -> {'variant', variant, node}, {'lower' or 'lower_capacity', variant, resource, from, to, node, how many nodes},
-- {'releases', variant, node, count, {holder, ...}} or {}
function Changes.smallest(asked, others, nearest, rank, choose, is_able)
  for _, each in ipairs(others) do
    local node = Find.node(each.shape, rank, choose)
    if node then
      return {'variant', each.number, node.name}
    end
  end
  local change = lowest_change(asked, rank, 'free')
  local chosen = not change and nearest and Releases.find(nearest.variant.shape, nearest, rank)
  if chosen then
    return {'releases', nearest.variant.number, nearest.node.name, #chosen, Holders.told(chosen)}
  end
  return change or (not is_able and lowest_change(asked, rank, 'cap')) or {}
end
