-- The fields of a run's collocated groups: `<group>|members` (numbers, with commas), `<group>|terms` (what its node must
-- be), once chosen `<group>|node`, `<group>|chooser` (the number of the one that looks for a node) and
-- `<number>|chooses` (the group for which that one looks); and how a node knows a group, `<run>|<group>`.

function GroupField.of(group, kind)
  return group .. '|' .. kind
end

-- -> group, kind
function GroupField.read(field)
  return string.match(field, '^(%d+)|(%l+)$')
end

function GroupField.on_node(run, group)
  return run .. '|' .. group
end

-- -> run, group
function GroupField.read_on_node(text)
  return string.match(text, '^(.*)|(%d+)$')
end

-- The line of those that are parked behind the one that chooses.
function GroupField.parked(run, group)
  return run .. ':' .. group
end
