"""What one decision of the scheduler costs: the server's time for each call of a script, with the bars beside it.

By the number of nodes, by the number of functions that wait, and by the number of their shapes; see the three modules.
All clusters are built by the real scripts, and each case is measured on all of its clusters in turn, a few calls at a
time, so that what disturbs the machine disturbs both sides of a ratio.
"""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.decision import by_backlog, by_nodes, by_shapes
from benchmarks.decision.scene import Unexpected as Unexpected
from benchmarks.figures import Figure

NODES = (10, 100, 1_000, 10_000)
WAITING = (0, 1_000, 100_000, 1_000_000)
SATURATED_NODES = 1_000

Tell = Callable[[str], None]


def measure(size: int, repeats: int, tell: Tell) -> list[Figure]:
    """Measure all of it, `size` calls of each kind a repeat: up to ten minutes, most of them for a million submits."""
    mixes = (by_shapes.mix(8, 5, 30_000), by_shapes.mix(100, 100, 30_000))
    return [
        *by_nodes.measure(NODES, size, repeats, tell),
        *by_shapes.measure(SATURATED_NODES, mixes, size, repeats, tell),
        *by_backlog.measure(WAITING, size, repeats, tell),
    ]


def measure_quickly(size: int, repeats: int, tell: Tell) -> list[Figure]:
    """The same with clusters and backlogs of a tenth and less: half a minute, and bars that are easier to keep."""
    mixes = (by_shapes.mix(8, 5, 3_000), by_shapes.mix(40, 25, 3_000))
    return [
        *by_nodes.measure(NODES[:3], size, repeats, tell),
        *by_shapes.measure(SATURATED_NODES // 10, mixes, size, repeats, tell),
        *by_backlog.measure((0, 1_000, 20_000), size, repeats, tell),
    ]
