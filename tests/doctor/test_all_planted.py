"""Whatever the doctor may tell is made wrong by some test: its texts are read from its source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import handoff.doctor
from doctor import test_planted, test_planted_lines, test_planted_nodes, test_planted_schedules

ROOM = Path(handoff.doctor.__file__).parent

TOLD_OTHERWISE = {
    "the index of shapes has positions that no shape has",
    "two shapes have one position in the index of shapes",
}
"""What a picture of everything shows, as the tests have it; on a live server a count that is wrong tells it."""

SHORTEST = 8
"""What is said between two names by that few letters is said of many things."""


def texts() -> Iterator[tuple[str, ...]]:
    """Of each violation what it says for certain, around names and numbers."""
    for path in ROOM.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="Violation"), args=[_, _, text, *_]):
                    yield fixed(text)
                case ast.Call(func=ast.Name(id="_at_job"), args=[_, text, *_]):
                    yield fixed(text)
                case _:
                    continue


def fixed(text: ast.expr) -> tuple[str, ...]:
    parts = text.values if isinstance(text, ast.JoinedStr) else [text]
    values = [part.value for part in parts if isinstance(part, ast.Constant)]
    return tuple(each for each in values if isinstance(each, str) and len(each.strip()) > SHORTEST)


def test_each_text_of_a_violation_is_one_that_is_planted() -> None:
    plants = test_planted.PLANTED | test_planted_lines.PLANTED | test_planted_nodes.PLANTED
    plants |= test_planted_schedules.PLANTED | test_planted_schedules.UNREADABLE
    says = [plant.says for plant in plants.values()]
    told = [text for text in texts() if text and not set(text) & TOLD_OTHERWISE]

    unseen = [
        text for text in told if not any(each in part or part.strip(" `") in each for each in says for part in text)
    ]

    assert len(told) > 60
    assert unseen == []
