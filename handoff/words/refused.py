"""A value that cannot be carried, wherever it stands; and how types are called in what is said of it."""

from __future__ import annotations


class Refused(Exception):
    """`culprit` cannot be carried, wherever in the value it stands."""

    def __init__(self, culprit: object, why: str) -> None:
        super().__init__(culprit, why)
        self.culprit, self.why = culprit, why


def type_name(kind: type) -> str:
    """The type as one would import it; builtins by their bare name."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
