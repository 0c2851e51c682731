-- Several words in one text, with commas between.

function List.read(text)
  local items = {}
  if text == '' then
    return items
  end
  for item in string.gmatch(text, '[^,]+') do
    items[#items + 1] = item
  end
  return items
end

function List.write(items)
  return table.concat(items, ',')
end
