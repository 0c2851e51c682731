-- Large results, which came in pieces before the `finish` that refers to them.
--
-- KEYS     parcel
-- @include texts/list

-- Whether all of it is there. It may have expired, or Redis was rolled back to before its end.
function Parcels.is_whole(token, size)
  return redis.call('STRLEN', K.parcel .. token) == size
end

-- Take it out. -> the value, and its forms
function Parcels.open(token)
  local key = K.parcel .. token
  local forms = List.read(redis.call('GET', key))
  redis.call('DEL', key)
  return table.remove(forms, 1) or '', forms
end
