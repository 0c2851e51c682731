"""Who waits for devices until others have left them, by number of process: a dying one may have memory there."""

from __future__ import annotations

from collections.abc import Iterable

from handoff_worker.children.child import Child


class Leaving:
    """Children with a function for devices that these others have to leave."""

    def __init__(self) -> None:
        self._waiting: dict[Child, tuple[bytes, set[Child]]] = {}

    def __contains__(self, child: object) -> bool:
        return child in self._waiting

    def wait(self, child: Child, packed: bytes, others: Iterable[Child]) -> None:
        """Keep what a child is to do until these are gone."""
        self._waiting[child] = packed, set(others)

    def forget(self, child: Child) -> bool:
        """Let it wait no more. -> whether it did"""
        return self._waiting.pop(child, None) is not None

    def gone(self, child: Child) -> list[tuple[Child, bytes]]:
        """Note that nothing is left of one. -> who has nobody else to wait for, and what each is to do"""
        ready = []
        for waiting, (packed, others) in list(self._waiting.items()):
            others.discard(child)
            if not others and not waiting.ending:
                del self._waiting[waiting]
                ready.append((waiting, packed))
        return ready
