"""The figures of a release, kept with the project: as a page, and for programs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import click

from benchmarks.figures import Figure, Where, to_json, to_markdown

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "benchmarks"

NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]*")


def checked_name(context: click.Context, parameter: click.Parameter, name: str | None) -> str | None:
    """Refuse what names no file there."""
    if name is not None and not NAME.fullmatch(name):
        raise click.BadParameter(f"{name!r} is no name of a release: give letters, digits, and . + - between them")
    return name


def keep(name: str, where: Where, figures: Sequence[Figure]) -> None:
    """Write both files; those of the same name are replaced."""
    page = f"# Figures of {name}\n\n{to_markdown(where, figures)}\n"
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.md").write_text(page, encoding="utf-8")
    (FOLDER / f"{name}.json").write_text(to_json(where, figures) + "\n", encoding="utf-8")
