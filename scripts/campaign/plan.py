"""Which faults come when: a pure function of the seed, so that the first so many of them can be had again."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CALM_SHARE, LONGEST_CALM_S = 0.15, 20.0
"""Before the first fault and after the last: there the rate is measured."""

PAUSES_S = (0.5, 2.2)


@dataclass(frozen=True)
class Planned:
    """One fault to come. Whom it strikes is drawn, from its own seed, among those who are there then."""

    number: int
    at_s: float
    kind: str
    seed: int


def calm_s(seconds: float) -> float:
    return min(LONGEST_CALM_S, CALM_SHARE * seconds)


def make_plan(seed: int, seconds: float, weights: Mapping[str, float]) -> Sequence[Planned]:
    """The faults of a campaign of so many seconds, in order."""
    draw = random.Random(seed)
    kinds = sorted(weights)
    found: list[Planned] = []
    at_s = calm_s(seconds)
    while at_s < seconds - calm_s(seconds):
        (kind,) = draw.choices(kinds, [weights[kind] for kind in kinds])
        found.append(Planned(len(found) + 1, at_s, kind, draw.randrange(2**32)))
        at_s += draw.uniform(*PAUSES_S)
    return found
