"""The page of the commands has a section for each, which names every key that programs get."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from handoff.cli import main
from handoff.client.run_summary import RunSummary
from handoff.demo.report import Report
from handoff.doctor.server import Finding
from handoff.doctor.violation import Violation
from handoff.view.overview import Overview
from handoff.view.row import FunctionRow
from handoff.view.said import Event
from handoff.why.explanation import Explanation
from handoff.why.function_status import FunctionStatus
from handoff_worker.check import Health

PAGE = Path(__file__).resolve().parents[2] / "docs" / "commands.md"


def section(command: str) -> str:
    """What the page says of a command."""
    return PAGE.read_text().partition(f"\n## `handoff {command}`")[2].partition("\n## ")[0]


SHAPES: list[tuple[str, Any]] = [
    ("jobs", FunctionRow),
    ("status", Overview),
    ("status", FunctionStatus),
    ("events", Event),
    ("explain", Explanation),
    ("runs", RunSummary),
    ("node", Health),
    ("demo", Report),
]


def test_each_command_has_one_section_and_no_section_is_of_another() -> None:
    headings = re.findall(r"^## (.*`handoff .*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    told = [command for heading in headings for command in re.findall(r"`handoff (\w+)`", heading)]

    assert sorted(told) == sorted(main.commands)


@pytest.mark.parametrize(("command", "shape"), SHAPES, ids=lambda each: getattr(each, "__name__", each))
def test_every_key_is_told(command: str, shape: Any) -> None:
    said = section(command)

    assert [field.name for field in fields(shape) if f"`{field.name}`" not in said] == []


def test_every_key_of_what_the_doctor_finds_is_told() -> None:
    said = section("doctor")
    keys = {*Violation("rooms", ("node", "a"), "").to_dict(), *Finding("clock", "").to_dict(), "mended"}

    assert sorted(key for key in keys if f"`{key}`" not in said) == []
