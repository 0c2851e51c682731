"""Loads what an operator has named before any function runs: modules, and callables that set them up."""

from __future__ import annotations

import importlib
import operator
from collections.abc import Sequence


class NotLoaded(Exception):
    """What could not be loaded, and why."""

    def __init__(self, entry: str, error: BaseException) -> None:
        super().__init__(entry, error)
        self.entry = entry
        self.why = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def load(entries: Sequence[str]) -> None:
    """Import each `module`, and call each `module:callable`, in this process. Raises `NotLoaded`.

    Called once where children are forked from, and once in each of them, where the modules are there already.
    """
    for entry in entries:
        module, _, qualname = entry.partition(":")
        try:
            found = importlib.import_module(module)
            if qualname:
                operator.attrgetter(qualname)(found)()
        # Whatever it is, also an exit: functions would miss what it should have set up.
        except BaseException as error:
            raise NotLoaded(entry, error) from error
