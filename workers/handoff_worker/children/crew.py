"""Children that run brief functions, and are given the next before they have answered for the last.

To wake a child, and to be woken by it, takes several times as long as a brief function: so as many children as there
are processors take them from trays that are seldom empty. What lies there has not begun, and can be taken back.
"""

from __future__ import annotations

from handoff_worker.children.brief import Brief
from handoff_worker.children.child import Child
from handoff_worker.children.task import Task
from handoff_worker.inside.wire import LARGEST_PACKET

MOST_GIVEN = 8
"""Functions that one child has at a time: where all are brief, the last waits for as many times `brief.BRIEF_S`."""


class Crew:
    """Those that run brief functions now."""

    def __init__(self, processors: int) -> None:
        self._processors = processors
        self._children: dict[Child, None] = {}
        self._brief = Brief()

    def note(self, task: Task, seconds: float | None) -> float:
        """Remember how long a function took, where that is known. -> the same, 0 where it is not"""
        if seconds is None:
            return 0.0
        if code := task.code:
            self._brief.note(code, seconds)
        return seconds

    def is_for(self, task: Task) -> bool:
        """Whether a function is brief, as far as anybody knows, and may be run by whoever runs such ones."""
        return bool(self._brief) and not (task.binding.devices or task.is_isolated) and task.code in self._brief

    def has_all(self, task: Task) -> bool:
        """Whether as many run brief functions of that binding as there are processors to run them on."""
        return sum(child.binding == task.binding for child in self._children) >= self._processors

    def give(self, task: Task, packed: bytes) -> Child | None:
        """Give a function to the one that has fewest, behind them. -> None where nobody takes it"""
        if len(packed) > LARGEST_PACKET:
            return None
        able = [
            child
            for child in self._children
            if child.binding == task.binding
            and child.pid is not None
            and len(child.tasks) < MOST_GIVEN
            and child.may_run_behind(task)
        ]
        child = min(able, key=lambda child: len(child.tasks), default=None)
        if child is None or not child.tray.lay(packed):
            return None
        child.tasks.append(task)
        return child

    @property
    def room(self) -> int:
        """How many functions could be given beside those that are there, if they are brief."""
        if not self._brief:
            return 0
        return max(0, self._processors * MOST_GIVEN - sum(len(child.tasks) for child in self._children))

    def add(self, child: Child) -> None:
        """Take one in that has been given a brief function."""
        self._children[child] = None

    def discard(self, child: Child) -> None:
        """Forget it, if it is here."""
        self._children.pop(child, None)

    def slow(self, now_s: float) -> list[Child]:
        """Those behind whose function others have waited for too long."""
        return [child for child in self._children if child.behind_until_s <= now_s]
