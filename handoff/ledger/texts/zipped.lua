-- A text as RQ keeps tracebacks: in base64 of what zlib reads. Lua compresses nothing, so it stands there as it is (RFC 1950
-- and RFC 1951: a block that is stored).

-- Of one block.
local LONGEST = 65535

local DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

local function in_bytes(number)
  return string.char(math.floor(number / 256) % 256, number % 256)
end

-- The checksum Adler-32.
local function checksum(text)
  local low, high = 1, 0
  for i = 1, #text do
    low = (low + string.byte(text, i)) % 65521
    high = (high + low) % 65521
  end
  return in_bytes(high) .. in_bytes(low)
end

local function in_base64(text)
  local parts = {}
  for i = 1, #text, 3 do
    local one, two, three = string.byte(text, i, i + 2)
    local bits = one * 65536 + (two or 0) * 256 + (three or 0)
    for place = 3, 0, -1 do
      local digit = math.floor(bits / 64 ^ place) % 64
      parts[#parts + 1] = string.sub(DIGITS, digit + 1, digit + 1)
    end
  end
  local missing = (3 - #text % 3) % 3
  return string.sub(table.concat(parts), 1, -1 - missing) .. string.rep('=', missing)
end

function Zipped.write(text)
  text = string.sub(text, 1, LONGEST)
  local size, inverse = in_bytes(#text), in_bytes(LONGEST - #text)
  return in_base64('\120\1' .. '\1' .. string.reverse(size) .. string.reverse(inverse) .. text .. checksum(text))
end
