-- Numbers as text.

-- Numbers past 10^14 lose digits with `..` and tostring (%.14g).
function Number.text(number)
  return string.format('%.0f', number)
end
