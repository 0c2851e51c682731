-- Since when a node is cordoned, in ms, and why: `<since> <reason>`.
--
-- @include texts/number

-- Of one name that a reason tells, no more than that many bytes.
local LONGEST = 80

function Cordoned.write(since, codes)
  local told = {}
  for i, code in ipairs(codes) do
    told[i] = string.gsub(string.sub(code, 1, LONGEST), '%c', ' ')
  end
  return Number.text(since) .. ' ' .. #codes .. ' different functions died there within 10 minutes: ' .. table.concat(told, ', ')
end

-- -> since, reason; nil where it is none
function Cordoned.read(text)
  local since, reason = string.match(text, '^([^ ]*) (.*)$')
  return Number.whole(since), reason
end
