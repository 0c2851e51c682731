"""An enum is carried as its value, unless something would be lost by that."""

from __future__ import annotations

from enum import Enum, Flag, IntEnum, StrEnum, auto

import pytest

from handoff.errors import NotSerializable
from handoff.serializer import Serializer
from support.values import Colour, round_trip, same


class Level(IntEnum):
    LOW = 1


class Mode(StrEnum):
    FAST = "fast"


class Bits(Flag):
    A = auto()
    B = auto()


class Wrapped(Enum):
    COLOUR = Colour.WARM


@pytest.mark.parametrize(
    ("member", "value"),
    [
        (Colour.RED, 1),
        (Colour.WARM, (1, "a")),
        (Colour.MANY, [1, 2]),
        (Colour.HUGE, 2**70),
        (Level.LOW, 1),
        (Mode.FAST, "fast"),
        (Bits.A | Bits.B, 3),
        (Wrapped.COLOUR, (1, "a")),
    ],
    ids=repr,
)
def test_an_enum_comes_back_as_its_value(member: Enum, value: object) -> None:
    assert same(value, round_trip(member))
    assert same({"k": [(value,)]}, round_trip({"k": [(member,)]}))


def test_an_enum_as_a_key_comes_back_as_its_value() -> None:
    assert same({1: "a", (1, "a"): {1}}, round_trip({Colour.RED: "a", Colour.WARM: {Colour.RED}}))


@pytest.mark.parametrize(
    "value",
    [
        {Colour.RED: "a", 1: "b"},
        {Colour.RED, 1},
        {(Colour.RED,): "a", (1,): "b"},
        {Colour.MANY: 1},
        {frozenset({Colour.RED, 1}): 1},
    ],
    ids=repr,
)
def test_enums_that_would_lose_keys_as_their_values_are_refused(value: object) -> None:
    with pytest.raises(NotSerializable, match="loses keys once each enum is its value"):
        Serializer.dumps([value])
