"""The environment that binds a child to what was reserved for its function: pure, and never touching `os.environ`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from handoff.words.resources import UNIT
from handoff_worker.machine.mask import MASK_VARIABLE, Mask, visible

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "RAYON_NUM_THREADS",
)
"""Not NUMBA_NUM_THREADS: Numba reads it again at every compilation, and raises in a warm child where it has changed."""

NUMEXPR_LARGEST = 64
"""What NumExpr takes without further settings: asked for more, it says so and runs on one thread (version 2.14)."""


class Binding(NamedTuple):
    """What a process is bound to by the first function that it runs."""

    devices: tuple[tuple[str, tuple[int, ...]], ...] = ()  #: those that it may touch, by resource
    threads: tuple[str, ...] = ()  #: the values of `THREAD_VARIABLES`


UNBOUND = Binding()


def binding(reserved: Mapping[str, Sequence[int]], environment: Mapping[str, str] | None = None) -> Binding:
    """Name what a child is bound to; children of different bindings must not be the same process.

    A process keeps its memory and context on a device, CUDA reads its environment once, and numeric libraries read how
    many threads they may start when they are loaded. Two shares of one device have one binding, for it is the device
    that binds and not how much of it. `environment` is as `device_environment` makes it.
    """
    devices = ((name, tuple(sorted(set(indices)))) for name, indices in sorted(reserved.items()) if indices)
    given = environment or {}
    return Binding(tuple(devices), tuple(given.get(name, "") for name in THREAD_VARIABLES) if given else ())


def device_environment(
    reserved: Mapping[str, Sequence[int]], node_has_gpus: bool, cpu_units: int, *, inherited: Mapping[str, str]
) -> dict[str, str]:
    """Give the variables to set in a child before it runs a function.

    `reserved` are device indices by resource, `cpu_units` the cost's `cpu` in 1/10,000 (0: it names none), and
    `inherited` the agent's own environment: a thread count that the operator set there stays as it is.

    The agent's own `CUDA_VISIBLE_DEVICES` is narrowed to what is reserved, and never widened. On a node without gpus
    nothing of CUDA is set: an agent that was told to leave the gpus of its machine alone says nothing about them.
    """
    threads = max(1, -(-cpu_units // UNIT))
    counts = dict.fromkeys(THREAD_VARIABLES, threads) | {"NUMEXPR_NUM_THREADS": min(threads, NUMEXPR_LARGEST)}
    environment = {name: inherited.get(name, str(count)) for name, count in counts.items()}
    if node_has_gpus:
        environment["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
        environment[MASK_VARIABLE] = ",".join(visible(Mask.read(inherited), reserved.get("gpu", ())))
    return environment
