-- What RQ's tools show of functions that end by nobody's code. Lua cannot compress, as RQ wants its tracebacks: these are
-- ready.

-- handoff.errors.InvalidFunction: a field of its job cannot be read
ExcString.BENT = 'eJwFwYENgDAIBMBVfoIO4AAmjkELREzDJ7Q6v3e3pNK9WRVrtSs/maHnm2MH84DAw6aCjtgLDzuGZHKjG8pEfyMJF8I='

-- By the kind of the loss (texts/loss).
local LOST = {
  -- handoff.errors.NodeLost: the node went away while it ran this function
  [''] = 'eJwNydEJwDAIBcBV3gQZoDOU7iCNolAU1BK6ffN5nJLPEBmcGVnjislnVB9oZfgWFnuDFn1Yag/DGkm+3wry+t0W/gObWxn+',
  -- handoff.errors.NodeLost: its agent was told to stop, and its grace ended while it ran this function
  grace = 'eJwdi8sJgEAMBVt5BYgFWIPYQ9hkPyCJJJFt38XLHGaYTspW6y7u5rFfxnJa5IGRAWqiiUmBtJsXEGnPhvX8vTkVgSgLY/Zxy7JwUmQfgfpqyWH6ARLsJB4=',
  -- handoff.errors.NodeLost: its agent was told to stop at once while it ran this function
  ['at-once'] = 'eJwNytENgCAMBcBV3gQM4AzGHRopQkL6TFvD+vJzX9fFKlsr6k6PcrHqycgDIwPyqCWWBJKzbhDJF5Kg3YrVx9Qd4WLIPgLtszsH7QdkZB+n',
  -- handoff.errors.NodeLost: the deadline of the drain of its node ended while it ran this function
  drained = 'eJwlytEJgFAIRuFV/gnuAM0Q7SCpXCEU1Gj9bvT4Hc4k51AdkhlZ4wiWPao39BSwEF/mgtDfSeYfrAu+VoizMJ5pl6yIJF+jFfT2sy38BYNiIq0=',
  -- handoff.errors.NodeLost: its node was deregistered while it ran this function
  deregistered = 'eJwNydEJwDAIRdFV3gQZoDOU7iDVNEJRUEvWr1+Xw11k7HMOifDIcTnL6VkHtBLWwqYES8ijWR3GXvpKfwQZamlifnaXuv1lJBzf',
  -- handoff.errors.NodeLost: its agent does not run it, for the reply that started it was lost
  unknown = 'eJwNjNEJgDAMBVd5A0gHcAZxh0BSK0gjyRNxe/N33MENmeq9N4vwyLa72ubJFScTctgk1C0xnYhnll7QPcBhCLuvr0iIpARNK+OVxFWLH+GJIPE=',
  -- handoff.errors.NodeLost: Redis was rolled back to before it was started
  ['rolled-back'] = 'eJwdycEJgEAMBMBWtoIrwBrEhx3kzB6KhwtJwPYF5zunPa4xGiMU2TY5V2Ut2OlX4rVEaE46uh03SugcCuKqP7Msiv4BsSkaHA==',
}

function ExcString.of_loss(kind)
  return LOST[kind] or LOST['']
end

-- handoff.errors.WaitExpired: it waited longer than its wait_ttl
ExcString.EXPIRED = 'eJzLSMxLyU9L00stKsovKtYLT8wsca0oyCxKTbFSyCxRKAfyU1MUcvLz0lOLFEoyEvOAosVg4fiSkhwA438XdQ=='

-- handoff.errors.Infeasible: no live node could hold it even when idle
ExcString.UNFIT = 'eJwNxdENgDAIBcBVmKADuIFjVHkEEgIJ1bq+/NzpDE6RgaqsNc4QzGWX46BIctvoGXTn60yajT2EjaBPG2PHD2ffGOg='
