-- Until when the agent of a node begins a function when it is told of it, by the ledger's time, and in which epoch of the node:
-- `<until> <epoch>`.
--
-- @include texts/number

function Ready.write(until_ms, epoch)
  return Number.text(until_ms) .. ' ' .. epoch
end

-- -> until, epoch; nil where it cannot be read
function Ready.read(text)
  local until_ms, epoch = string.match(text, '^(%d+) (%d+)$')
  return Number.whole(until_ms), epoch
end
