"""What a function depends on that is in no graph with it."""

from __future__ import annotations

from dataclasses import dataclass

MOST_DEPENDENCIES = 256
"""Of one function: each is some 10 us of the script that takes it on."""


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The jobs that have to end before it."""

    ids: tuple[str, ...]  #: at least one, each once
    allow_failure: bool  #: a failure will do
