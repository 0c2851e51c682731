-- Numbers as text.

-- Below that `%d`, which takes a fifth of `%.0f`, writes every whole number: as far as the server's C counts.
local EXACT = string.format('%d', 2 ^ 52) == '4503599627370496' and 2 ^ 53 or 2 ^ 31

-- Numbers past 10^14 lose digits with `..` and tostring (%.14g).
function Number.text(number)
  if number % 1 == 0 and number < EXACT and number > -EXACT then
    return string.format('%d', number)
  end
  return string.format('%.0f', number)
end

-- The largest for which no other one is taken.
local MOST = 2 ^ 53 - 1
Number.MOST = MOST

-- -> the number that a stored text is, if it is a whole one from `least` (0) to `most`; else nil, also for nil and false
function Number.whole(text, least, most)
  if not text or not string.find(text, '^-?%d+$') then
    return nil
  end
  -- What is known to be a number is read by `+ 0` once, by `tonumber` twice.
  local number = text + 0
  if number >= (least or 0) and number <= (most or MOST) then
    return number
  end
  return nil
end

-- The same of an amount that is counted with and never written as it stands: what else Lua takes for a number is one. It
-- costs a third.
function Number.amount(text)
  local number = tonumber(text)
  return number and number >= 0 and number <= Number.MOST and number % 1 == 0 and number or nil
end
