"""In a real terminal, by tmux: it is drawn, hears keys, is put back, and tells of a Redis that goes and comes back."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from handoff.client.cluster import Cluster
from handoff.local.server import RedisServer
from support import need_redis_server
from support.processes import environment
from support.status import Playing
from support.waiting import wait_until

pytestmark = pytest.mark.slow

COLOUR = re.compile(r"\x1b\[(\d+;)*(3[0-8]|4[0-8]|9[0-7]|10[0-7])[;m]")
"""What sets a colour; 39 and 49 set none."""


class Terminal:
    """A terminal of 80 columns and 24 lines with a shell in it."""

    def __init__(self, folder: Path) -> None:
        self._tmux = ["tmux", "-S", str(folder / "tmux"), "-f", "/dev/null"]
        self._run("new-session", "-d", "-x", "80", "-y", "24", "env PS1='at the shell$ ' sh")

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self._tmux, *arguments], env=environment(), check=True, stdout=subprocess.PIPE, text=True
        )
        return done.stdout

    def type(self, text: str) -> None:
        """Write a line."""
        self._run("send-keys", "-l", text)
        self.press("Enter")

    def press(self, *keys: str) -> None:
        """Press keys."""
        self._run("send-keys", *keys)

    def shown(self, *options: str) -> str:
        """What is on the screen."""
        return self._run("capture-pane", "-p", *options)

    def until(self, *texts: str) -> None:
        """Wait until all of these are on the screen."""
        wait_until(lambda: all(text in self.shown() for text in texts), f"{texts} on the screen")

    def close(self) -> None:
        """End it, with what runs in it."""
        self._run("kill-server")


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    if shutil.which("tmux") is None:
        pytest.skip("there is no tmux: `handoff top` is not tried in a real terminal")
    terminal = Terminal(tmp_path)
    try:
        terminal.until("at the shell$")
        yield terminal
    finally:
        terminal.close()


@pytest.fixture
def private() -> Iterator[RedisServer]:
    """A server that a test may end."""
    need_redis_server()
    server = RedisServer().start()
    yield server
    server.stop()


def command(url: str, *options: str) -> str:
    return shlex.join([sys.executable, "-m", "handoff", "top", "--url", url, "--interval", "0.2", *options])


@pytest.fixture
def seeded(private: RedisServer) -> Iterator[Cluster]:
    """A node that runs a function."""
    with Cluster(private.url) as cluster:
        playing = Playing(cluster)
        cluster.enqueue("films:convert", job_id="running-1", cost={"cpu": 2, "gpu": 1})
        playing.start()
        yield cluster


@pytest.mark.usefixtures("seeded")
def test_it_is_drawn_driven_and_leaves_the_terminal_as_it_was(terminal: Terminal, private: RedisServer) -> None:
    terminal.type(command(private.url))
    terminal.until("nodes 1 up", "██████ 2/2", "█·     1/2")
    terminal.press("Enter")
    terminal.until("films.convert running-1")
    terminal.press("d")
    terminal.until("Drain the node a?")
    terminal.press("Escape")
    terminal.press("d")
    terminal.press("y")
    terminal.until("node a  draining")
    terminal.press("C-c")

    terminal.until("at the shell$")
    assert "draining" not in terminal.shown()


@pytest.mark.usefixtures("seeded")
def test_a_redis_that_is_killed_is_told_and_read_again_once_it_is_back(
    terminal: Terminal, private: RedisServer
) -> None:
    terminal.type(command(private.url))
    terminal.until("nodes 1 up", "UTC")
    private.kill()
    terminal.until("Redis is away, seen ", "nodes 1 up")
    # Keys are heard meanwhile.
    terminal.press("?")
    terminal.until("drain the node, undrain it")
    terminal.press("Escape")
    private.restart()

    terminal.until("UTC", "No node is registered")
    terminal.press("q")
    terminal.until("at the shell$")


@pytest.mark.usefixtures("seeded")
def test_where_no_colour_is_wanted_there_is_none(terminal: Terminal, private: RedisServer) -> None:
    terminal.type(command(private.url))
    terminal.until("nodes 1 up", "██████ 2/2")
    assert COLOUR.search(terminal.shown("-e"))
    terminal.press("q")
    terminal.until("at the shell$")
    terminal.type(f"NO_COLOR=1 {command(private.url)}")
    terminal.until("nodes 1 up", "██████ 2/2")

    assert not COLOUR.search(terminal.shown("-e"))
