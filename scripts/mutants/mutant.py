"""One defect that is planted on purpose."""

from __future__ import annotations

from typing import NamedTuple


class Mutant(NamedTuple):
    """`old`, which `file` has exactly once, becomes `new`; one of `tests` must notice."""

    id: str
    what: str  #: what goes wrong, in words
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
