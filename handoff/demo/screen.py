"""Where the demo's picture goes: onto a terminal in place, elsewhere as lines now and then, or nowhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live

from handoff.demo.picture import Picture

DRAW_S = 0.1
"""How often the picture on a terminal changes at most."""

SAY_S = 2.0
"""How often it is printed where there is no terminal."""


class Screen:
    """Shows pictures while its block is entered."""

    def __init__(self, console: Console | None) -> None:
        self._console = console
        self._live: Live | None = None
        self._next_s = 0.0

    def __enter__(self) -> Self:
        if self._console is not None and self._console.is_terminal:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, picture: Callable[[], Picture]) -> None:
        """Show a picture if it is time for one."""
        now_s = time.monotonic()
        if self._console is None or now_s < self._next_s:
            return
        if self._live is not None:
            self._next_s = now_s + DRAW_S
            self._live.update(picture(), refresh=True)
        else:
            self._next_s = now_s + SAY_S
            self._console.print(picture(), soft_wrap=True)
