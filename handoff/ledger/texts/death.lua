-- The last deaths of a function in a row, a line each: `<when> <node> <of what>`, where `when` is as RQ writes moments.

-- Of what it died, as an agent or the system says it, no more than that many bytes.
local LONGEST = 200

local function in_one_line(what)
  what = string.gsub(string.sub(what, 1, LONGEST), '%c', ' ')
  return what
end

-- `text` (nil: none) with one more behind it.
function Death.add(text, when, node_name, what)
  return (text and text .. '\n' or '') .. when .. ' ' .. node_name .. ' ' .. in_one_line(what)
end

-- -> {{when, node, what}, ...}; what is none is left out
function Death.read(text)
  local deaths = {}
  for line in string.gmatch(text or '', '[^\n]+') do
    local when, rest = string.match(line, '^([^ ]*) (.*)$')
    local node_name, what = string.match(rest or '', '^([^ ]*) (.*)$')
    if what then
      deaths[#deaths + 1] = {when = when, node = node_name, what = what}
    end
  end
  return deaths
end

-- What is said of them: in one line, and in several.
function Death.history(deaths)
  local said = {}
  for i, death in ipairs(deaths) do
    said[i] = death.when .. ' on node ' .. death.node .. ': ' .. death.what
  end
  local start = 'it has died ' .. #deaths .. ' times in a row'
  return start .. ': ' .. table.concat(said, '; '), start .. '\n  ' .. table.concat(said, '\n  ')
end
