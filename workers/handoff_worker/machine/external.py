"""How much memory of this host other programs use, of what a node offers: room that is offered and is not there."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import psutil

from handoff.words.capabilities import Capabilities
from handoff.words.resources import UNIT
from handoff_worker.machine.gpu_use import DeviceUse
from handoff_worker.machine.memory_use import MB, proportional, tree

MEMORY, GPU = "memory", "gpu"

LEAST_STEP_MB, STEP = 64, 0.01
"""MB, and a part of what is offered: what is less than the larger of both is no change, so that it does not flutter."""


@dataclass(frozen=True, slots=True)
class External:
    """What other programs use of what a node offers, in units."""

    units: Mapping[str, int]  #: of sums
    memory: Mapping[str, Mapping[int, int]] = field(default_factory=dict)  #: of devices: resource -> index -> units


class Meter:
    """Looks whenever it is told to; `latest` is what was found last, as far as it has changed."""

    def __init__(
        self,
        capabilities: Capabilities,
        uuids: Mapping[int, str],
        *,
        gpus: Callable[[], Mapping[str, DeviceUse] | None],
        available: Callable[[], int] = lambda: int(psutil.virtual_memory().available),
        own: Callable[[], tuple[list[int], int]] | None = None,
    ) -> None:
        """`uuids` are of those gpus whose use `gpus` tells, by index; `own` gives our processes, and their bytes."""
        self._offered = capabilities.sums().get(MEMORY)
        sizes = dict(zip(capabilities.devices.get(GPU, ()), capabilities.memory.get(GPU, ()), strict=False))
        self._sizes = {index: (uuids[index], units) for index, units in sizes.items() if index in uuids}
        self._gpus, self._available, self._own = gpus, available, own or _own
        self._told: dict[int | None, int] = {}  #: by index of a gpu, None = of the host
        self.latest = self._as_told()

    def look(self) -> None:
        """Find out how it is now."""
        before = self._available()
        pids, own = self._own()
        # What functions take or give back meanwhile is in one of the two at least.
        room_mb = (max(before, self._available()) + own) / MB
        if self._offered is not None:
            self._note(None, self._offered, self._offered / UNIT - room_mb)
        uses = (self._sizes and self._gpus()) or {}
        for index, (uuid, units) in self._sizes.items():
            if (use := uses.get(uuid)) is not None and (ours_mb := use.used_by(pids)) is not None:
                self._note(index, units, units / UNIT - (use.total_mb - use.used_mb + ours_mb))
        self.latest = self._as_told()

    def _note(self, of: int | None, offered: int, mb: float) -> None:
        """`mb` is how much of what is offered is not there."""
        step = max(LEAST_STEP_MB, int(STEP * offered / UNIT)) * UNIT
        units = min(offered, max(0, int(mb * UNIT)))
        if abs(units - self._told.get(of, 0)) >= step:
            # Rounded up: what is not there is not promised.
            self._told[of] = min(offered, -(-units // step) * step)

    def _as_told(self) -> External:
        sums = {} if self._offered is None else {MEMORY: self._told.get(None, 0)}
        gpus = {index: self._told.get(index, 0) for index in self._sizes}
        return External(sums, {GPU: gpus} if gpus else {})


def _own() -> tuple[list[int], int]:
    """The processes of this agent, and bytes that they have."""
    pids = tree(os.getpid())
    return pids, proportional(pids)
