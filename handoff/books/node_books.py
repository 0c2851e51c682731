"""The books of one node: which of its amounts and devices nobody holds.

The executable specification, in plain Python, of what the scripts do in Redis: they choose the same devices.
Knows no reservations and no clock; a caller remembers what it took and gives exactly that back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from handoff.words.capabilities import Capabilities
from handoff.words.resources import MEMORY_SUFFIX, UNIT, Units, device_of

Devices = dict[str, list[int]]
"""Device resource -> indices taken, ascending; for memory the device that it is of."""

Memory = dict[int, tuple[int, int]]
"""Device index -> what nobody holds of its memory, and all of it."""


class Books:
    """The free amounts of one node, in units of 1/10,000.

    A device serves whole claims, shares or claims of memory, never two of these kinds at once. So a device whose
    share is not full has no memory to give, and one whose memory is not full no share.

    What is below zero is held beyond what the node now says it has: its capabilities were lowered under it. Until
    nothing is below zero any more, nothing fits.
    """

    def __init__(
        self,
        sums: Mapping[str, int],
        devices: Mapping[str, Mapping[int, int]],
        memory: Mapping[str, Mapping[int, tuple[int, int]]] | None = None,
    ) -> None:
        """Begin with free sums, the free share of each device, and (free, whole) memory by device resource."""
        self._sums = dict(sums)
        self._devices = {name: dict(shares) for name, shares in devices.items()}
        self._memory: dict[str, Memory] = {name: dict(sizes) for name, sizes in (memory or {}).items()}

    def copy(self) -> Books:
        """Books that may be tried on without changing these."""
        return Books(self._sums, self._devices, self._memory)

    def limits(self, resource: str) -> bool:
        """Whether these books keep a sum of `resource`, even one of zero."""
        return resource in self._sums

    def free(self, resource: str) -> int:
        """What of `resource` there is still to give, over all devices; never below zero."""
        usable = self._usable_shares(resource) or self._usable_memory(resource)
        return max(self._sums.get(resource, 0), 0) + sum(usable.values())

    def unheld(self) -> Units:
        """What nobody holds of each resource, whether or not its device can give it."""
        units = dict(self._sums)
        for name, shares in self._devices.items():
            units[name] = units.get(name, 0) + sum(shares.values())
        for device, sizes in self._memory.items():
            name = device + MEMORY_SUFFIX
            units[name] = units.get(name, 0) + sum(free for free, _ in sizes.values())
        return units

    def change(self, before: Capabilities, after: Capabilities) -> None:
        """Follow the node's capabilities from `before` to `after`; what is held stays held.

        A device that is listed no more and still held comes back only by being listed again.
        """
        self._grow(before, -1)
        self._grow(after, 1)

    def fits(self, cost: Units) -> bool:
        """Whether `take` would succeed now."""
        return not self.short(cost)

    def short(self, cost: Units) -> Units:
        """What is missing for `cost`; empty if it fits.

        Of whole devices the missing idle ones count; of a share, or of memory, what the device with most of it lacks.
        What is held beyond the capabilities is missing too, asked for or not.
        """
        missing = self._excess()
        for name, units in cost.items():
            missing[name] = missing.get(name, 0) + max(units - self._usable(name, units), 0)
        return {name: units for name, units in missing.items() if units}

    def take(self, cost: Units) -> Devices:
        """Take `cost`, which must fit, and tell the devices chosen.

        Whole amounts take the idle devices of lowest index. A share, or memory, takes the fullest device that still
        has room for it, so that idle ones stay whole; of equals the lowest index.
        """
        if not self.fits(cost):
            raise ValueError(f"{cost} does not fit: ask `fits` first")
        devices: Devices = {}
        for name, units in cost.items():
            if shares := self._usable_shares(name):
                devices[name] = _choose(shares, units)
            elif memory := self._usable_memory(name):
                devices[device_of(name)] = [_fullest(memory, units)]
        self._add(cost, devices, -1)
        return devices

    def take_all(self, costs: Sequence[Units]) -> list[Devices] | None:
        """Take all `costs` one after another, or, if one of them does not fit then, nothing."""
        taken: list[Devices] = []
        for cost in costs:
            if not self.fits(cost):
                for held, devices in zip(costs, taken, strict=False):
                    self.give_back(held, devices)
                return None
            taken.append(self.take(cost))
        return taken

    def give_back(self, cost: Units, devices: Mapping[str, Sequence[int]]) -> None:
        """Undo the `take` of `cost` that told these `devices`."""
        self._add(cost, devices, 1)

    def _add(self, cost: Units, devices: Mapping[str, Sequence[int]], sign: int) -> None:
        for name, units in cost.items():
            device = device_of(name)
            if name in devices:
                for index in devices[name]:
                    self._add_share(name, index, sign * (units // len(devices[name])))
            elif device in devices:
                self._add_memory(device, devices[device][0], sign * units)
            else:
                self._add_sum(name, sign * units)

    def _grow(self, capabilities: Capabilities, sign: int) -> None:
        for name, units in capabilities.sums().items():
            self._add_sum(name, sign * units)
        for name, indices in capabilities.devices.items():
            for index in indices:
                self._add_share(name, index, sign * UNIT)
        for name, sizes in capabilities.memory.items():
            for index, units in zip(capabilities.devices[name], sizes, strict=True):
                self._add_memory(name, index, sign * units, whole=sign * units)

    def _add_sum(self, name: str, units: int) -> None:
        self._sums[name] = self._sums.get(name, 0) + units

    def _add_share(self, name: str, index: int, units: int) -> None:
        shares = self._devices.setdefault(name, {})
        shares[index] = shares.get(index, 0) + units

    def _add_memory(self, name: str, index: int, units: int, whole: int = 0) -> None:
        sizes = self._memory.setdefault(name, {})
        free, before = sizes.get(index, (0, 0))
        sizes[index] = free + units, before + whole

    def _usable_shares(self, name: str) -> dict[int, int]:
        """The free share of each device that has some, and whose memory nobody holds."""
        sizes = self._memory.get(name, {})
        held = {index for index, (free, whole) in sizes.items() if free != whole}
        return {index: share for index, share in self._devices.get(name, {}).items() if share > 0 and index not in held}

    def _usable_memory(self, name: str) -> dict[int, int]:
        """The free memory of each device that has some, and whose share is full."""
        shares = self._devices.get(device_of(name), {})
        sizes = self._memory.get(device_of(name), {})
        return {index: free for index, (free, _) in sizes.items() if free > 0 and shares.get(index) == UNIT}

    def _usable(self, name: str, units: int) -> int:
        """The most that could go to a cost of `units` now."""
        if shares := self._usable_shares(name).values():
            if units < UNIT:
                return max(shares)
            return 0 if units % UNIT else UNIT * sum(share == UNIT for share in shares)
        return max(self._usable_memory(name).values(), default=max(self._sums.get(name, 0), 0))

    def _excess(self) -> Units:
        """What is held beyond the node's capabilities."""
        left = [*self._sums.items()]
        left += [(name, share) for name, shares in self._devices.items() for share in shares.values()]
        left += [(name + MEMORY_SUFFIX, free) for name, sizes in self._memory.items() for free, _ in sizes.values()]
        beyond: Units = {}
        for name, units in left:
            if units < 0:
                beyond[name] = beyond.get(name, 0) - units
        return beyond


def _choose(shares: Mapping[int, int], units: int) -> list[int]:
    if units < UNIT:
        return [_fullest(shares, units)]
    idle = sorted(index for index, share in shares.items() if share == UNIT)
    return idle[: units // UNIT]


def _fullest(left: Mapping[int, int], units: int) -> int:
    """The device that has least left of those with room."""
    return min((free, index) for index, free in left.items() if free >= units)[1]
