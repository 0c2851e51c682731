-- Names of what the index keeps of a node: a resource that is a sum by its own name; of devices `gpu#idle` (how many are
-- idle), `gpu#share` (the largest free share) and `gpu#memory` (the most free memory on one). The index of shapes has
-- `gpu#sum` for what only a sum can meet.
--
-- PARSED   forms        resource -> {of idle devices, of a share, of memory or nil}
--          index_names  name -> {resource or family, part or nil}
-- @include texts/resource

function IndexName.idle(family)
  return family .. '#idle'
end

function IndexName.share(family)
  return family .. '#share'
end

function IndexName.memory(family)
  return family .. '#memory'
end

function IndexName.sum(resource)
  return resource .. '#sum'
end

-- What one function may get of a resource is told by these: of idle devices, of a share, of memory or nil.
function IndexName.forms(resource)
  local forms = Parsed.forms[resource]
  if not forms then
    local family = Resource.family(resource)
    forms = {IndexName.idle(resource), IndexName.share(resource), family ~= resource and IndexName.memory(family) or nil}
    Parsed.forms[resource] = forms
  end
  return forms[1], forms[2], forms[3]
end

-- -> resource or family, and 'idle', 'share', 'memory', 'sum' or nil
function IndexName.read(name)
  local parts = Parsed.index_names[name]
  if not parts then
    local resource, part = string.match(name, '^([^#]+)#?(.*)$')
    parts = {resource, part ~= '' and part or nil}
    Parsed.index_names[name] = parts
  end
  return parts[1], parts[2]
end

-- Where one wanted amount may be met: as a sum, as idle devices, as a share or as memory of one device. Nodes may differ
-- in which. -> {{index name, how much of it}, ...}
function IndexName.wanted(resource, units)
  local found = {{resource, units}}
  local family = Resource.family(resource)
  if family ~= resource then
    found[2] = {IndexName.memory(family), units}
  elseif units < Resource.UNIT then
    found[2] = {IndexName.share(resource), units}
  elseif units % Resource.UNIT == 0 then
    found[2] = {IndexName.idle(resource), units / Resource.UNIT}
  end
  return found
end
