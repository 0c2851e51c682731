-- The node that comes nearest to holding something when idle, for whoever asks why none can.
--
-- KEYS     classes  class  drained
-- @lazy
-- @include lib/node

-- What one kind of node lacks for a shape, even when idle. Each is `<what>~<wanted>~<there>`: a resource with units, of
-- what all share as `*<resource>`, a constraint as `@<label>`.
local function shortfall(values, labels, name, shape)
  local shared = load_shared()
  local items, gap = {}, 0
  for _, want in ipairs(shape.wants) do
    local resource, units = want[1], want[2]
    local tokens = shared.cap[resource]
    local there = tokens and math.min(tokens, units) or math.min(units, most_of(values, resource))
    if there < units and (tokens or not has_free(values, want)) then
      items[#items + 1] = (tokens and '*' or '') .. resource .. '~' .. text(units) .. '~'
        .. text(tokens or most_of(values, resource))
      gap = gap + (units - there) / units
    elseif not tokens and not has_free(values, want) then
      items[#items + 1] = resource .. '~' .. text(units) .. '~' .. text(most_of(values, resource))
    end
  end
  for _, term in ipairs(shape.terms) do
    local value = term.name == 'node' and name or labels[term.name]
    if term.name == CAPACITY then
      for _, want in ipairs(wants_of_term(term)) do
        if not has_free(values, want) then
          items[#items + 1] = '^' .. want[1] .. '~' .. text(want[2]) .. '~' .. text(most_of(values, want[1]))
          gap = gap + 1
        end
      end
    elseif (term.is[value or ''] or false) == term.negated then
      items[#items + 1] = '@' .. term.name .. '~' .. (term.negated and '!' or '') .. table.concat(term.values, ',')
        .. '~' .. (value or '')
      gap = gap + 1
    end
  end
  return items, gap
end

-- More kinds of nodes than that are not compared.
local MOST_CLASSES = 512
-- Of drained nodes, so many are asked whether they could.
local MOST_TOLD = 16

-- The nodes that stand for a class: the first by name, and those that the terms speak of.
local function names_of(class, shape)
  local names, spoken = {}, {}
  for _, term in ipairs(shape.terms) do
    for _, value in ipairs(term.name == 'node' and term.values or {}) do
      spoken[value] = true
      if redis.call('ZSCORE', K.class .. class, value) then
        names[#names + 1] = value
      end
    end
  end
  local from = 0
  repeat
    local name = redis.call('ZRANGE', K.class .. class, from, from)[1]
    from = from + 1
    if name and not spoken[name] then
      names[#names + 1] = name
      return names
    end
  until not name
  return names
end

-- The live node that comes nearest to holding a demand when idle: fewest things short, then the smallest part of what
-- is wanted, then by name. -> `<node>|<item>|...`, '' where no node (pinned: not that one) is live; with `|^<node>` at the end where
-- a node that is drained could
local function nearest_able(demand)
  local best
  for _, variant in ipairs(demand) do
    local shape = shape_of(variant.shape)
    for _, class in ipairs(redis.call('ZRANGE', K.classes, 0, MOST_CLASSES - 1)) do
      local caps, labels_text = string.match(class, '^([^@]*)@(.*)$')
      local values, labels = {}, {}
      for index, value in string.gmatch(caps, '([^=,]+)=(%d+)') do
        values[index] = tonumber(value)
      end
      for label, value in string.gmatch(labels_text, '([^=;]+)=([^;]*)') do
        labels[label] = value
      end
      for _, name in ipairs(names_of(class, shape)) do
        -- Of a pinned function its own node alone is spoken of.
        if shape.pin ~= '' and name ~= shape.pin then
          break
        end
        local items, gap = shortfall(values, labels, name, shape)
        if not best or #items < #best.items or (#items == #best.items and (gap < best.gap
          or (gap == best.gap and name < best.name))) then
          best = {items = items, gap = gap, name = name}
        end
      end
    end
  end
  local said = best and best.name .. '|' .. table.concat(best.items, '|') or ''
  local drained = redis.call('SMEMBERS', K.drained)
  table.sort(drained)
  for i = 1, math.min(#drained, MOST_TOLD) do
    local name, node = drained[i], load_node(drained[i])
    for _, variant in ipairs(node and node.state == 'up' and demand or {}) do
      local shape = shape_of(variant.shape)
      if allows(node, shape.terms) and has_room({free = values_of(node, 'cap')}, shape) then
        return said .. '|^' .. name
      end
    end
  end
  return said
end
