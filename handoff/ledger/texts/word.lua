-- What is remembered of a function of which nothing is kept: `<submit>|<cancel>|<node>|<devices>`: the calls that submitted
-- and canceled it, and where it was placed.

function Word.write(token, cancel, node_name, devices)
  return table.concat({token, cancel, node_name, devices}, '|')
end

-- -> token, cancel, node name, devices
function Word.read(text)
  return string.match(text, '^([^|]*)|([^|]*)|([^|]*)|(.*)$')
end
