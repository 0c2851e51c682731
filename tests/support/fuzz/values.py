"""Values that nobody has thought of: those of `support.bent` put together, and good ones with a part changed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import numpy as np

from handoff import After, Argument, Collocated, Function, Not
from support.bent_values import BENT
from support.refused import work

_BENT = list(BENT.values())

_WORDS = (
    "cpu", "memory", "gpu", "slots", "gpu_memory", "zone", "node", "a", "b", "f", "first", "*", "@", "~", "=", ",", ":",
    "|", "&", ";", "", " ", "\0", "\n", "\ud800", "é", "٣", "cpu=1", "a@b", "../x", "tasks:work", "tasks:", ":work",
    "tasks:work:work", "tasks.work", "__main__:f", "wait", "raise", "fresh", "ready", "whole", "nan", "1e400", "-1",
    "load_balanced", "regular", "inline", "as_list", "0-0", "9-*", "$", "%d", "{}", "x" * 70, "x" * 300, "1" * 5000,
)  # fmt: skip

_NUMBERS = (
    0,
    1,
    -1,
    2,
    3,
    0.5,
    0.1,
    1e-5,
    1.00005,
    999,
    10**11,
    10**11 + 1,
    2**31,
    2**53,
    2**53 + 1,
    2**63,
    2**64,
    1e18,
)

_DEEPEST = 4


def word(chance: random.Random) -> str:
    """A text, mostly a short one."""
    if chance.random() < 0.8:
        return chance.choice(_WORDS)
    return "".join(chr(chance.choice((chance.randrange(128), chance.randrange(0x3000), 0xD800))) for _ in range(4))


def number(chance: random.Random) -> Any:
    """A number of any kind."""
    plain = chance.choice((*_NUMBERS, chance.randrange(-5, 100), chance.uniform(-2, 50), chance.lognormvariate(0, 30)))
    kind = chance.choice((None, None, None, float, Decimal, Fraction, np.float64, np.float32, str, complex, bool))
    return plain if kind is None else kind(plain)


def value(chance: random.Random, depth: int = 0) -> Any:
    """Any value at all."""
    kind = chance.randrange(10 if depth < _DEEPEST else 6)
    if kind < 2:
        return chance.choice(_BENT)
    if kind < 4:
        return number(chance)
    if kind == 4:
        return word(chance)
    if kind == 5:
        return _leaf(chance)
    if kind == 6:
        return chance.choice((list, tuple))(value(chance, depth + 1) for _ in range(chance.randrange(4)))
    if kind == 7:
        return _mapping(chance, depth)
    if kind == 8:
        return _word_of_ours(chance, depth)
    return chance.choice((list, iter, frozenset))([word(chance) for _ in range(chance.randrange(4))])


def near(chance: random.Random, good: Any, depth: int = 0) -> Any:
    """A good value with some of it changed."""
    if isinstance(good, Mapping) and chance.random() < 0.8:
        return _near_mapping(chance, good, depth)
    if isinstance(good, (list, tuple)) and good and chance.random() < 0.8:
        items = list(good)
        index = chance.randrange(len(items))
        items[index : index + chance.randrange(2)] = [near(chance, items[index], depth + 1)]
        return chance.choice((type(good), list, tuple))(items)
    if isinstance(good, str) and chance.random() < 0.6:
        index = chance.randrange(len(good) + 1)
        return good[:index] + word(chance) + good[index + chance.randrange(2) :]
    if isinstance(good, (int, float)) and chance.random() < 0.6:
        return number(chance)
    return value(chance, depth)


def _near_mapping(chance: random.Random, good: Mapping[Any, Any], depth: int) -> Any:
    changed = dict(good)
    name = chance.choice(list(changed) or ["cpu"])
    how = chance.randrange(4)
    if how == 0:
        changed[key(chance)] = changed.pop(name, 1)
    elif how == 1:
        changed[key(chance)] = value(chance, depth + 1)
    elif how == 2:
        changed[name] = [changed.get(name, 1)]
    else:
        changed[name] = near(chance, changed.get(name, 1), depth + 1)
    return changed


def key(chance: random.Random) -> Any:
    """What a mapping can have as a key."""
    found = chance.choice((word, number, value))(chance)
    try:
        hash(found)
    except Exception:
        return word(chance)
    return found


def _mapping(chance: random.Random, depth: int) -> dict[Any, Any]:
    return {key(chance): value(chance, depth + 1) for _ in range(chance.randrange(4))}


def _leaf(chance: random.Random) -> Any:
    return chance.choice(
        (
            lambda: chance.randbytes(chance.randrange(12)),
            lambda: bytearray(b"x"),
            lambda: datetime(2030, 1, 1, tzinfo=chance.choice((None, UTC, timezone(timedelta(seconds=1), "\ud800")))),
            lambda: date(2030, 1, 1),
            lambda: time(1, tzinfo=UTC),
            lambda: timedelta(seconds=chance.choice((-1, 0.5, 1e9))),
            lambda: UUID(int=chance.getrandbits(128)),
            lambda: PurePosixPath(word(chance)),
            lambda: range(chance.randrange(10)),
            lambda: np.array([number(chance)], dtype=object),
            lambda: np.arange(chance.randrange(4)),
            lambda: np.str_(word(chance)),
            lambda: chance.choice((len, print, work, type, Function, Ellipsis, NotImplemented, np, datetime.now)),
            lambda: work,
        )
    )()


def _word_of_ours(chance: random.Random, depth: int) -> Any:
    def inner() -> Any:
        return value(chance, depth + 1)

    return chance.choice(
        (
            lambda: Not(inner()),
            lambda: After(chance.choice((number(chance), inner())), chance.choice(({"cpu": 1}, inner()))),
            lambda: Collocated(inner()),
            lambda: Argument(inner(), inner(), inner()),
            lambda: Function(inner(), work, cost=inner()),
            lambda: (work, inner()),
        )
    )()
