"""What may be called on a node where its operator has limited that: what some modules define, and single callables."""

from __future__ import annotations

from collections.abc import Sequence

from handoff.errors import NotAllowed

ENTRY = "a module, such as myapp.tasks, or one callable, such as myapp.tasks:train"


def is_entry(text: object) -> bool:
    """Whether it names a module, or one callable."""
    if not isinstance(text, str):
        return False
    module, colon, qualname = text.partition(":")
    return all(part.isidentifier() for part in (*module.split("."), *(qualname.split(".") if colon else ())))


class Allowed:
    """The limits of one node: `myapp.tasks` is that module and those below it, `myapp.tasks:train` that name alone.

    Names are as they are stored: dots alone, of which none says where the module ends.
    """

    def __init__(self, entries: Sequence[str]) -> None:
        self._entries = tuple(entries)
        self._modules = tuple(entry for entry in entries if ":" not in entry)
        self._names = frozenset(entry.replace(":", ".") for entry in entries if ":" in entry)

    def has_name(self, name: str) -> bool:
        """Whether just this name is allowed, whatever stands there."""
        return name in self._names

    def has_module(self, name: object) -> bool:
        """Whether it is the name of an allowed module, or of one below it."""
        return isinstance(name, str) and any(f"{name}.".startswith(f"{module}.") for module in self._modules)

    def check(self, name: str) -> None:
        """Raise `NotAllowed` for a name that is not and cannot be below an allowed module: nothing is imported."""
        if not self.has_name(name) and not self.has_module(name.rpartition(".")[0]):
            raise self.refusal(name)

    def refusal(self, name: str) -> NotAllowed:
        """The error for a name."""
        return NotAllowed(name, self._entries)
