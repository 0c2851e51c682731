"""A bar on stderr that shows how far many functions are. Only who asks for it loads what draws it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

Show = Callable[[int, Mapping[str, int]], None]
"""Takes how many have ended, and how many of all stand where."""


@contextmanager
def bar(total: int) -> Iterator[Show]:
    """Draw it until the block is left; where stderr is no terminal, once and then."""
    columns = BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[standing]}"), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task("", total=total, standing="")

        def show(ended: int, standing: Mapping[str, int]) -> None:
            told = ", ".join(f"{count} {state}" for state, count in standing.items() if count)
            shown.update(task, completed=ended, standing=told)

        yield show
