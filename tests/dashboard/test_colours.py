"""The colours of functions, in both schemes."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import pytest

from handoff import dashboard
from handoff.dashboard.drawing.colours import COUNT

STYLE = (Path(dashboard.__file__).parent / "static" / "style.css").read_text(encoding="utf-8")
LIGHT, DARK = (
    dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", part)) for part in re.findall(r":root \{(.*?)\}", STYLE, re.S)
)


def brightness(colour: str) -> float:
    """Its relative luminance, as WCAG has it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_colour_of_a_function_can_be_told_from_what_it_stands_on(scheme: dict[str, str]) -> None:
    below = brightness(scheme["surface"])
    low = []
    for number in range(COUNT):
        lower, higher = sorted((below, brightness(scheme[f"k{number}"])))
        if (higher + 0.05) / (lower + 0.05) < 3:
            low.append(number)

    assert low == []


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_no_two_functions_have_colours_that_are_nearly_the_same(scheme: dict[str, str]) -> None:
    parts = [[int(scheme[f"k{number}"][i : i + 2], 16) for i in (1, 3, 5)] for number in range(COUNT)]
    apart = [sum(abs(a - b) for a, b in zip(*pair, strict=True)) for pair in combinations(parts, 2)]

    assert min(apart) >= 40


def test_every_colour_of_a_function_has_its_class() -> None:
    assert {int(found) for found in re.findall(r"\.k(\d+) \{ fill: var\(--k\1\); \}", STYLE)} == set(range(COUNT))
