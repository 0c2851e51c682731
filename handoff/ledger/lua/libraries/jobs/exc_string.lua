-- What RQ's tools show of functions that end by nobody's code. Lua cannot compress, as RQ wants its tracebacks: these are
-- ready.

-- handoff.errors.NodeLost: the node went away while it ran this function
ExcString.LOST = 'eJwNydEJwDAIBcBV3gQZoDOU7iCNolAU1BK6ffN5nJLPEBmcGVnjislnVB9oZfgWFnuDFn1Yag/DGkm+3wry+t0W/gObWxn+'

-- handoff.errors.WaitExpired: it waited longer than its wait_ttl
ExcString.EXPIRED = 'eJzLSMxLyU9L00stKsovKtYLT8wsca0oyCxKTbFSyCxRKAfyU1MUcvLz0lOLFEoyEvOAosVg4fiSkhwA438XdQ=='

-- handoff.errors.Infeasible: no live node could hold it even when idle
ExcString.UNFIT = 'eJwNxdENgDAIBcBVmKADuIFjVHkEEgIJ1bq+/NzpDE6RgaqsNc4QzGWX46BIctvoGXTn60yajT2EjaBPG2PHD2ffGOg='
