"""The page of the commands names every key that programs get."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from handoff.view.overview import Overview
from handoff.view.row import FunctionRow
from handoff.view.said import Event
from handoff.why.function_status import FunctionStatus

PAGE = Path(__file__).resolve().parents[2] / "docs" / "commands.md"


def section(command: str) -> str:
    """What the page says of a command."""
    return PAGE.read_text().partition(f"\n## `handoff {command}`")[2].partition("\n## ")[0]


SHAPES: list[tuple[str, Any]] = [
    ("jobs", FunctionRow),
    ("status", Overview),
    ("status", FunctionStatus),
    ("events", Event),
]


@pytest.mark.parametrize(("command", "shape"), SHAPES, ids=lambda each: getattr(each, "__name__", each))
def test_every_key_is_told(command: str, shape: Any) -> None:
    said = section(command)

    assert [field.name for field in fields(shape) if f"`{field.name}`" not in said] == []
