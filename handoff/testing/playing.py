"""A function that a test calls by itself, and not on a node: what it asks about itself, and what it tells."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from handoff.client.current import Current, play_current
from handoff.words.resources import Amount


@dataclass(frozen=True, slots=True)
class Told:
    """What a function has told that a test called by itself."""

    progress: list[tuple[float, str]] = field(default_factory=list)  #: (fraction, message), in order


@contextlib.contextmanager
def current(
    *,
    id: str = "job",
    function_id: str = "job",
    node: str = "node",
    devices: Mapping[str, Sequence[int]] | None = None,
    attempt: int = 1,
    variant: int = 0,
    cost: Mapping[str, Amount] | None = None,
) -> Iterator[Told]:
    """Let a function that is called here find itself with `handoff.current()`, and keep what it tells.

        with handoff.testing.current(devices={"gpu": [0]}) as told:
            train(3)
        assert told.progress[-1] == (1.0, "done")

    What is given is what it finds.
    """
    told = Told()
    played = Current(
        id=id,
        function_id=function_id,
        node=node,
        devices={name: list(indices) for name, indices in (devices or {}).items()},
        attempt=attempt,
        variant=variant,
        cost=dict(cost or {}),
    )
    with play_current(played, lambda fraction, message: told.progress.append((fraction, message))):
        yield told
