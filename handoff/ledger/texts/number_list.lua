-- Numbers, such as of functions in a run: `1,2,30`. Where a script may have no budget for all of them, they are read from a
-- place on.

-- The first number behind the byte `from`. -> its text, where it begins, where it ends; nil where there is none
function NumberList.next(text, from)
  local first, last = string.find(text, '%d+', from + 1)
  if first then
    return string.sub(text, first, last), first, last
  end
end

function NumberList.is_sound(text)
  return not string.find(text, '[^%d,]')
end

function NumberList.read(text)
  local numbers = {}
  for number in string.gmatch(text, '%d+') do
    numbers[#numbers + 1] = number
  end
  return numbers
end

function NumberList.write(numbers)
  return table.concat(numbers, ',')
end
