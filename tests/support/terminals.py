"""`handoff top` as somebody sees it who presses keys, without a terminal: by the pilot of Textual."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from unittest.mock import patch

from handoff.client.cluster import Cluster
from handoff.top.app import Top
from support.waiting import LIMIT_S

NEVER_S = 3600.0
"""Between two looks: a test asks for those that it wants."""


class Shown:
    """What is shown of a namespace, and who presses keys. A context manager."""

    def __init__(self, cluster: Cluster, size: tuple[int, int] = (80, 24), interval_s: float = NEVER_S) -> None:
        self.app = Top(cluster, interval_s)
        self._runner = asyncio.Runner()
        # The pilot takes a process for done that uses no processor for 20 ms, which on a busy machine takes long.
        self._at_once = patch("textual.app.wait_for_idle", lambda least_s: asyncio.sleep(0))
        self._running = self.app.run_test(size=size, notifications=True)

    def __enter__(self) -> Shown:
        self._at_once.start()
        self._pilot = self._runner.run(self._running.__aenter__())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            self._runner.run(self._running.__aexit__(None, None, None))
        finally:
            self._runner.close()
            self._at_once.stop()
            # What is read for it is read of a server that the test ends.
            self.app.watching.stop(LIMIT_S)

    @property
    def lines(self) -> list[str]:
        """The screen, line by line."""
        return self._runner.run(self._lines())

    async def _lines(self) -> list[str]:
        # There is no other way to it as text: what Textual exports is a picture.
        strips = self.app.screen._compositor.render_strips(self.app.size)
        return ["".join(segment.text for segment in strip) for strip in strips]

    @property
    def text(self) -> str:
        """The screen."""
        return "\n".join(self.lines)

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        self._runner.run(self._press(keys))

    async def _press(self, keys: tuple[str, ...]) -> None:
        for key in keys:
            await self._pilot.press(key)
            # The application gives it to a widget, that acts, and what it does comes to others.
            for _ in range(3):
                await self._pilot.pause(0)

    def until(self, *texts: str) -> str:
        """Wait until all of these are seen. -> the screen"""
        self._runner.run(self._until(texts))
        return self.text

    async def _until(self, texts: tuple[str, ...]) -> None:
        limit_s = time.monotonic() + LIMIT_S
        seen = ""
        while not all(text in seen for text in texts):
            assert time.monotonic() < limit_s, f"{texts} not within {LIMIT_S:g} s:\n{seen}"
            await self._pilot.pause(0.01)
            seen = "\n".join(await self._lines())

    def until_it_ends(self) -> None:
        """Wait until it has ended by itself."""
        self._runner.run(self._ended())

    async def _ended(self) -> None:
        async with asyncio.timeout(LIMIT_S):
            while self.app.is_running:
                await asyncio.sleep(0.01)

    def resize(self, width: int, height: int) -> None:
        """Make the terminal larger or smaller."""
        self._runner.run(self._pilot.resize_terminal(width, height))
        self._runner.run(self._pilot.pause(0))

    def read_again(self) -> None:
        """Have it look again now."""
        self.app.watching.hurry()
