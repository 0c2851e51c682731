"""The costs that one function may have: several in order of preference, some of them only after a while.

Knows neither nodes nor clocks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from handoff.errors import InvalidResources
from handoff.words.remembered import Remembered
from handoff.words.resources import Number, Units, parse_cost
from handoff.words.times import milliseconds
from handoff.words.values import is_wait

MOST_VARIANTS = 16


@dataclass(frozen=True, slots=True)
class After:
    """A cost that counts once the function has waited that many seconds for a better one."""

    seconds: float
    cost: Mapping[str, Number]


Cost = Mapping[str, Number] | Sequence[Mapping[str, Number] | After]
"""What a user may write as the cost of a function: one, or several of which the first that fits is taken."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One cost, and the ms of waiting after which it counts; 0 = at once."""

    after_ms: int
    cost: Units


NO_COST = (Variant(0, {}),)
"""Of a function that asks for nothing but a slot."""


_remembered: Remembered[tuple[object, ...], tuple[Variant, ...]] = Remembered()
"""What was read of plain costs: most programs write the same few again and again."""


def parse_variants(cost: Cost | None) -> tuple[Variant, ...]:
    """Read a cost, in the order in which the variants are preferred; at least one. Raises `InvalidResources`."""
    if type(cost) is dict:
        return _parse_plain(cost)
    if not isinstance(cost, (list, tuple)):
        return (Variant(0, parse_cost(cost)),)  # type: ignore[arg-type]
    if not 0 < len(cost) <= MOST_VARIANTS:
        raise InvalidResources("*", cost, f"a list of costs has 1 to {MOST_VARIANTS} of them")
    return tuple(_variant(entry) for entry in cost)


def costs_at_once(variants: Sequence[Variant]) -> tuple[Units, ...]:
    """The costs that need no waiting, in order; where there is none, the first."""
    return tuple(variant.cost for variant in variants if not variant.after_ms) or (variants[0].cost,)


def _parse_plain(cost: dict[str, Number]) -> tuple[Variant, ...]:
    values = cost.values()
    types = tuple(map(type, values))
    # With the types, for 1 equals True. Of others than these two it is not known what equals what.
    key = (*cost, *values, *types) if all(kind is float or kind is int for kind in types) else None
    known = _remembered.get(key) if key else None
    if known is None:
        known = (Variant(0, parse_cost(cost)),)
        if key:
            _remembered.keep(key, known)
    return known


def _variant(entry: object) -> Variant:
    after_ms = 0
    if isinstance(entry, After):
        after_ms, entry = _after_ms(entry), entry.cost
    if not isinstance(entry, Mapping):
        raise InvalidResources("*", entry, "each of several costs is a mapping or After(seconds, mapping)")
    return Variant(after_ms, parse_cost(entry))


def _after_ms(after: After) -> int:
    if not is_wait(after.seconds):
        raise InvalidResources("*", after, "After takes seconds above 0 and at most 10**9")
    return milliseconds(after.seconds)
