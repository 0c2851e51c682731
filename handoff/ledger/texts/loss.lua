-- With what node a function was lost, and why: `<node>`, `<node> <cause>`, `<node> <cause> <number>`. Where there is no cause
-- the node was lost. An agent gives its causes as it writes them.

function Loss.write(node_name, cause)
  return cause and cause ~= '' and node_name .. ' ' .. cause or node_name
end

-- Whether the node went by itself, and nobody had asked for that.
function Loss.is_death(cause)
  return not cause or cause == ''
end

-- Its kind alone.
function Loss.kind(cause)
  return string.match(cause or '', '^[^ ]*')
end
