"""The books of one node: which of its amounts and devices nobody holds.

The executable specification, in plain Python, of what the scripts do in Redis: they choose the same devices.
Knows no reservations and no clock; a caller remembers what it took and gives exactly that back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from handoff.resources import UNIT, Capabilities, Units

Devices = dict[str, list[int]]
"""Device resource -> indices taken, ascending."""


class Books:
    """The free amounts of one node, in units of 1/10,000.

    A sum or a device below zero is held beyond what the node now says it has: its capabilities were lowered under
    it. Until nothing is below zero any more, nothing fits.
    """

    def __init__(self, sums: Mapping[str, int], devices: Mapping[str, Mapping[int, int]]) -> None:
        self._sums = dict(sums)
        self._devices = {name: dict(shares) for name, shares in devices.items()}

    def copy(self) -> Books:
        """Books that may be tried on without changing these."""
        return Books(self._sums, self._devices)

    def limits(self, resource: str) -> bool:
        """Whether these books keep a sum of `resource`, even one of zero."""
        return resource in self._sums

    def free(self, resource: str) -> int:
        """What nobody holds of `resource`, over all devices; never below zero."""
        return max(self._sums.get(resource, 0), 0) + sum(self._usable_shares(resource).values())

    def change(self, before: Capabilities, after: Capabilities) -> None:
        """Follow the node's capabilities from `before` to `after`; what is held stays held.

        A device that is listed no more and still held comes back only by being listed again.
        """
        for name in before.units.keys() | after.units.keys():
            grown = _sum_of(after, name) - _sum_of(before, name)
            if grown:
                self._sums[name] = self._sums.get(name, 0) + grown
        for name in before.devices.keys() | after.devices.keys():
            for index in before.devices.get(name, ()):
                self._add_share(name, index, -UNIT)
            for index in after.devices.get(name, ()):
                self._add_share(name, index, UNIT)

    def fits(self, cost: Units) -> bool:
        """Whether `take` would succeed now."""
        return not self.short(cost)

    def short(self, cost: Units) -> Units:
        """What is missing for `cost`; empty if it fits.

        Of whole devices the missing idle ones count, of a share what the emptiest device lacks of it. What is held
        beyond the capabilities is missing too, asked for or not.
        """
        missing = {name: self._excess(name) for name in (*self._sums, *self._devices)}
        for name, units in cost.items():
            missing[name] = missing.get(name, 0) + max(units - self._usable(name, units), 0)
        return {name: units for name, units in missing.items() if units}

    def take(self, cost: Units) -> Devices:
        """Take `cost`, which must fit, and tell the devices chosen.

        Whole amounts take the idle devices of lowest index. A share takes the fullest device that still has room
        for it, so that idle ones stay whole; of equals the lowest index.
        """
        if not self.fits(cost):
            raise ValueError(f"{cost} does not fit: ask `fits` first")
        devices: Devices = {}
        for name, units in cost.items():
            if shares := self._usable_shares(name):
                devices[name] = _choose(shares, units)
            self._add(name, -units, devices.get(name))
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
        for name, units in cost.items():
            self._add(name, units, devices.get(name))

    def _add(self, name: str, units: int, indices: Sequence[int] | None) -> None:
        if indices is None:
            self._sums[name] = self._sums.get(name, 0) + units
            return
        for index in indices:
            self._add_share(name, index, units // len(indices))

    def _add_share(self, name: str, index: int, units: int) -> None:
        shares = self._devices.setdefault(name, {})
        shares[index] = shares.get(index, 0) + units

    def _usable_shares(self, name: str) -> dict[int, int]:
        return {index: share for index, share in self._devices.get(name, {}).items() if share > 0}

    def _usable(self, name: str, units: int) -> int:
        """The most that could go to a cost of `units` now."""
        shares = self._usable_shares(name).values()
        if not shares:
            return max(self._sums.get(name, 0), 0)
        if units < UNIT:
            return max(shares)
        if units % UNIT:
            return 0
        return UNIT * sum(share == UNIT for share in shares)

    def _excess(self, name: str) -> int:
        """What is held beyond the node's capabilities."""
        held_beyond = [self._sums.get(name, 0), *self._devices.get(name, {}).values()]
        return -sum(units for units in held_beyond if units < 0)


def _choose(shares: Mapping[int, int], units: int) -> list[int]:
    if units >= UNIT:
        idle = sorted(index for index, share in shares.items() if share == UNIT)
        return idle[: units // UNIT]
    _, fullest = min((share, index) for index, share in shares.items() if share >= units)
    return [fullest]


def _sum_of(capabilities: Capabilities, name: str) -> int:
    return 0 if name in capabilities.devices else capabilities.units.get(name, 0)
