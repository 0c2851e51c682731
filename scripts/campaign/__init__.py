"""The chaos campaign: real processes under a steady load, faults from a seed, and a judgement of all that came of it.

`plan` says which faults come when, `faults` carries them out on a `world`, `load` is what clients do meanwhile, and
`judging` compares what they have written down with the books.
"""
