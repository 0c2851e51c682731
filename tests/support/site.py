"""A web application in processes of its own, as a client of it sees it."""

from __future__ import annotations

import errno
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2
import psutil

from handoff.local.server import any_port
from support.processes import await_end, environment
from support.waiting import LIMIT_S, wait_until


class Site:
    """A web server that serves one application; it is ended, and its processes gone, when it is left."""

    def __init__(self, command: Sequence[str], folder: Path, variables: dict[str, str], ended_by: int) -> None:
        """Prepare it: `command` is of Python, with `{port}` where the port goes; it is `ended_by` a signal."""
        self._command, self._folder, self._variables, self._ended_by = command, folder, variables, ended_by
        self.output = folder / "output.txt"
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self.web = httpx2.Client()

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it; returns when it answers."""
        self._port = _free_port()
        self.web.close()
        self.web = httpx2.Client(base_url=f"http://127.0.0.1:{self._port}", timeout=LIMIT_S)
        command = [part.format(port=self._port) for part in self._command]
        with self.output.open("wb") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *command],
                env={**environment(), **self._variables},
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_until(self._answers, "the site answers")

    def _answers(self) -> bool:
        assert self.runs, self.output.read_text()
        try:
            self.web.get("/films/none")
        except httpx2.ConnectError:
            return False
        return True

    def stop(self) -> int:
        """Tell it to end, and wait until all of its processes have. -> the exit code"""
        assert self._process is not None
        mine = psutil.Process(self._process.pid)
        family = mine.children(recursive=True)
        self._process.send_signal(self._ended_by)
        code = self._process.wait(LIMIT_S)
        await_end(family)
        return code

    def convert(self, frames: int, gpus: int = 0, **headers: str) -> httpx2.Response:
        film = {"title": "Alien", "frames": frames, "gpus": gpus}
        return self.web.post("/films", json=film, headers={name.replace("_", "-"): headers[name] for name in headers})

    def events(self, film: str) -> Generator[dict[str, Any]]:
        """What is told of a film until the stream ends."""
        with self.web.stream("GET", f"{film}/events") as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.web.close()
        if self._process is not None and self.runs:
            family = psutil.Process(self._process.pid).children(recursive=True)
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(LIMIT_S)
            await_end(family)


def _free_port() -> int:
    while True:
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port := any_port()))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                return port
