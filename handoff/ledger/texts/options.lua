-- What few functions ask for, `unfit=60000;wait=5000;strategy=load_balanced`.

-- -> the value as text, or nil
function Options.get(text, name)
  return string.match(';' .. text .. ';', ';' .. name .. '=([^;]*);')
end
