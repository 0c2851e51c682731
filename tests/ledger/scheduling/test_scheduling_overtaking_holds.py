"""When a node is held for one that was overtaken, and what of it: pictures, see `support.picture`."""

from __future__ import annotations

import pytest

from support.picture import Board, Case, cases

OVERTAKING = """
overtaken so often the first of a kind holds a node, and nothing later goes there until it has started
    limit 2
    node a: cpu 4
    p: cpu 1
    big: cpu 4                          -> a [p . . .]  waits big
    t: cpu 1                            -> a [p t . .]  waits big
    u: cpu 1                            -> a [p t u .] for big(cpu)  waits big
    v: cpu 1                            -> a [p t u .] for big(cpu)  waits big v
    finish p t                          -> a [u . . .] for big(cpu)  waits big v
    finish u                            -> a [big big big big]  waits v
    finish big                          -> a [v . . .]

it holds a node once it has waited so long, whoever overtook it
    limit 60s
    node a: cpu 2
    p: cpu 1
    big: cpu 2                          -> a [p .]  waits big
    +59.999s                            -> a [p .]  waits big
    t: cpu 1                            -> a [p t]  waits big
    finish t
    +1ms                                -> a [p .] for big(cpu)  waits big
    u: cpu 1                            -> a [p .] for big(cpu)  waits big u
    finish p                            -> a [big big]  waits u

a minute is the limit where none was set
    node a: cpu 2
    p: cpu 1
    big: cpu 2
    +59.999s                            -> a [p .]  waits big
    +1ms                                -> a [p .] for big(cpu)  waits big

without a limit it waits for as long as others come
    limit off
    node a: cpu 2
    p: cpu 1
    big: cpu 2
    t: cpu 1
    +300s                               -> a [p t]  waits big
    finish p
    u: cpu 1                            -> a [t u]  waits big

a lower limit holds for those that wait already
    limit 9
    node a: cpu 4
    p: cpu 1
    big: cpu 4
    t: cpu 1                            -> a [p t . .]  waits big
    limit 2
    u: cpu 1                            -> a [p t u .] for big(cpu)  waits big

only what it lacks is kept for it
    limit 1
    node a: cpu 2, gpu 2
    p: gpu 1
    big: cpu 1, gpu 2                   -> a cpu[. .] gpu[p .]  waits big
    t: gpu 1                            -> a cpu[. .] gpu[p t] for big(gpu)  waits big
    finish t                            -> a cpu[. .] gpu[p .] for big(gpu)  waits big
    u: gpu 0.5                          -> a cpu[. .] gpu[p .] for big(gpu)  waits big u
    v: cpu 1                            -> a cpu[v .] gpu[p .] for big(gpu)  waits big u
    finish p                            -> a cpu[v big] gpu[big big]  waits u

what it comes to lack meanwhile is kept as well
    limit 1
    node a: cpu 2, gpu 2
    p: gpu 1
    big: cpu 2, gpu 2
    t: gpu 1                            -> a cpu[. .] gpu[p t] for big(gpu)  waits big
    u: cpu 1                            -> a cpu[u .] gpu[p t] for big(cpu,gpu)  waits big
    v: cpu 1                            -> a cpu[u .] gpu[p t] for big(cpu,gpu)  waits big v

what is kept for it stays kept while it lacks something else
    limit 2
    node a: cpu 2, gpu 2
    p: gpu 1
    big: cpu 2, gpu 2
    s: gpu 1
    finish s
    t: gpu 1                            -> a cpu[. .] gpu[p t] for big(gpu)  waits big
    u: cpu 1
    finish p t                          -> a cpu[u .] gpu[. .] for big(gpu)  waits big
    v: cpu 1                            -> a cpu[u v] gpu[. .] for big(cpu,gpu)  waits big
    w: gpu 1                            -> a cpu[u v] gpu[. .] for big(cpu,gpu)  waits big w

those in front that are canceled put off no hold
    limit 2
    node a: cpu 4
    p: cpu 2
    x y: cpu 3
    big: cpu 4
    cancel x y
    t: cpu 1                            -> a [p p t .]  waits big  canceled x y
    u: cpu 1                            -> a [p p t u] for big(cpu)  waits big  canceled x y

who takes nothing that it lacks does not overtake it
    limit 1
    node a: cpu 3, gpu 1
    p: gpu 1
    big: gpu 1, cpu 1
    t u: cpu 1                          -> a cpu[t u .] gpu[p]  waits big

who stands before it does not overtake it, and goes where a node is held for it
    limit 1
    node a: cpu 4
    p: cpu 1
    big: cpu 4
    s: cpu 1; priority 1                -> a [p s . .]  waits big
    t: cpu 1                            -> a [p s t .] for big(cpu)  waits big
    u: cpu 1                            -> a [p s t .] for big(cpu)  waits big u
    v: cpu 1; priority 1                -> a [p s t v] for big(cpu)  waits big u

a claim through the tracker is later than every function
    limit 1
    node a: cpu 3, gpu 1
    p: cpu 1
    big: cpu 3
    t: cpu 1                            -> a cpu[p t .] gpu[.] for big(cpu)  waits big
    claim c on a: cpu 1                 -> a cpu[p t .] gpu[.] for big(cpu)  waits big  refused c
    claim d on a: gpu 1                 -> a cpu[p t .] gpu[d] for big(cpu)  waits big  refused c

who lacks whole devices is left their memory too
    limit 1
    node a: gpu 3 of 24
    p: gpu 1
    big: gpu 3                          -> a [p . .]  waits big
    t: gpu 1                            -> a [p t .] for big(gpu)  waits big
    u: gpu_memory 4                     -> a [p t .] for big(gpu)  waits big u
    claim c on a: gpu_memory 4          -> a [p t .] for big(gpu)  waits big u  refused c

who lacks memory of a device is left the other devices too
    limit 1
    node a: gpu 2 of 16/40
    p: gpu_memory 30
    big: gpu_memory 40                  -> a [. p]  waits big
    t: gpu_memory 4                     -> a [. p+t] for big(gpu)  waits big
    u: gpu 1                            -> a [. p+t] for big(gpu)  waits big u

who takes memory of the devices that it lacks overtakes it
    limit 1
    node a: gpu 3 of 24
    p: gpu 1
    big: gpu 3                          -> a [p . .]  waits big
    t: gpu_memory 4                     -> a [p t .] for big(gpu)  waits big
"""


@pytest.mark.parametrize("case", cases(OVERTAKING))
def test_bounded_overtaking(board: Board, case: Case) -> None:
    board.play(case)
