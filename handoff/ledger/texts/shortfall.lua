-- What the node that comes nearest lacks, even when idle: `<node>|<item>|...`, '' where no node is live; at its end
-- `|^<node>` where a node that is drained could hold it, `|^<node>^<ms>` where one could that is lost since then.
--
-- An item is `<what>~<wanted>~<there>`: a resource with units, `*<resource>` of what all share, `^<resource>` of what there
-- must be for a whole group, `@<label>` with the values that would do (behind `!`: that would not). `?<what>~<names>` is of a
-- resource, or of a label, that nothing has: names that there are.
--
-- @include texts/number

local SHARED, CAPACITY, LABEL, UNKNOWN = '*', '^', '@', '?'

local function amount(mark, resource, wanted, there)
  return mark .. resource .. '~' .. Number.text(wanted) .. '~' .. Number.text(there)
end

function Shortfall.of_node(resource, wanted, there)
  return amount('', resource, wanted, there)
end

function Shortfall.of_shared(resource, wanted, there)
  return amount(SHARED, resource, wanted, there)
end

function Shortfall.of_capacity(resource, wanted, there)
  return amount(CAPACITY, resource, wanted, there)
end

-- `there` is the label that the node has, or nil.
function Shortfall.of_label(term, there)
  return LABEL .. term.name .. '~' .. (term.negated and '!' or '') .. table.concat(term.values, ',') .. '~' .. (there or '')
end

function Shortfall.of_unknown(resource, names)
  return UNKNOWN .. resource .. '~' .. table.concat(names, ',')
end

function Shortfall.of_unknown_label(label, names)
  return UNKNOWN .. LABEL .. label .. '~' .. table.concat(names, ',')
end

function Shortfall.is_of_shared(item)
  return string.sub(item, 1, 1) == SHARED
end

-- `node_name` is nil where no node is live, `away` where none that is drained or lost could, `lost_since` where it is drained.
function Shortfall.write(node_name, items, away, lost_since)
  local text = node_name and node_name .. '|' .. table.concat(items, '|') or ''
  if not away then
    return text
  end
  return text .. '|' .. CAPACITY .. away .. (lost_since and CAPACITY .. Number.text(lost_since) or '')
end
