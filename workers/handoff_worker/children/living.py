"""All processes that were asked for, from the wish to when nothing is left of them; and the nursery that forks them."""

from __future__ import annotations

import itertools
import selectors
from collections.abc import Iterator
from dataclasses import replace

from handoff_worker.children.child import Child, Device
from handoff_worker.children.confine import Binding
from handoff_worker.children.leaving import Leaving
from handoff_worker.children.nursery import Imports, NoProcess, Nursery
from handoff_worker.children.told import Told
from handoff_worker.machine.own_groups import Groups, Most


class Living:
    """The children of one nursery after the other."""

    def __init__(
        self, imports: Imports, selector: selectors.BaseSelector, adopts: bool, groups: Groups | None = None
    ) -> None:
        """Start the nursery. Raises `NoProcess`, and `NotLoaded`. With `groups` each child has a control group."""
        self._selector, self._groups = selector, groups
        self._numbers = itertools.count(1)
        self._children: dict[int, Child] = {}
        self.leaving = Leaving()
        self.told: list[Told] = []  #: what their functions have told since
        self.has_nursery = True
        self.nursery = Nursery(replace(imports, groups=groups.folder if groups else None), selector, adopts)

    def __len__(self) -> int:
        return len(self._children)

    def __iter__(self) -> Iterator[Child]:
        """Go over all that there are now."""
        return iter(list(self._children.values()))

    def __getitem__(self, number: int) -> Child:
        return self._children[number]

    def __contains__(self, child: object) -> bool:
        return isinstance(child, Child) and child.number in self._children

    def new(self, binding: Binding, most: Most) -> Child:
        """Ask for one more. Raises `OSError` where too many files are open, or there is no room for its group."""
        number = next(self._numbers)
        group = self._groups.new(number, most) if self._groups else None
        child, theirs = Child.make(number, binding, self.told.append, group)
        self._children[child.number] = child
        self._selector.register(child.channel, selectors.EVENT_READ, child)
        self.nursery.ask_for(child, theirs)
        return child

    def ending_on(self, devices: frozenset[Device]) -> set[Child]:
        """Those that end and are bound to one of these: until a process is gone, it may have memory on a device."""
        return {child for child in self._children.values() if child.ending and child.devices & devices}

    def has_spare(self) -> bool:
        """Whether one was asked for to see whether it can be."""
        return any(child.is_spare() for child in self._children.values())

    def release(self, child: Child) -> list[tuple[Child, bytes]]:
        """Note that nothing is left of one. -> who has waited for its devices, and what each is to do"""
        del self._children[child.number]
        self._leave_group(child)
        return self.leaving.gone(child)

    def start_nursery(self) -> str:
        """Start the next nursery. -> why that cannot be, '' where it is"""
        try:
            self.nursery.start()
        except NoProcess as error:
            self.has_nursery = False
            return error.reason
        self.has_nursery = True
        return ""

    def close(self) -> None:
        """End all of them and the nursery, and wait until they are gone."""
        self.nursery.close()
        for child in self._children.values():
            child.kill()
            child.close()
            self._leave_group(child)
        self._children.clear()

    def _leave_group(self, child: Child) -> None:
        if self._groups is not None and child.group is not None:
            self._groups.leave(child.group)
