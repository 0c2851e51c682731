"""The first nursery of an agent, which is its fork where it can be: no function is to find that."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.children import TESTS
from support.processes import environment
from support.waiting import LIMIT_S

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nurseries are programs of their own")

AGENT = f"""
import sys
sys.path.insert(0, {TESTS!r})
import colorsys, json, logging, os, signal, socket
import click
from handoff_worker import log
from handoff_worker.children import nursery
from handoff_worker.children.nursery import Imports, NotLoaded
from handoff_worker.children.pool import Children
from support.children import run, task, turn, value
"""

BOTH = """
log.set_up("text", "CRITICAL")
signal.signal(signal.SIGUSR1, print)
held = socket.create_server(("127.0.0.1", 0)), os.pipe()
children = Children(idle_limit=2, imports=Imports([sys.argv[1]], is_agent=True))
both = []
for _ in range(2):
    is_fork = value(run(children, task("child_forked.has_loaded", "colorsys")))
    both.append([is_fork, value(run(children, task("child_forked.found")))])
    children.start(task("sleep", 3600))
    turn(children, until=lambda: not children.starting)
    os.kill(value(run(children, task("nursery_pid", id="g"))), signal.SIGKILL)
    both[-1].append(turn(children)[0].text)
children.close()
print(json.dumps(both))
"""


def told(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run an agent that has no Redis."""
    command = [sys.executable, "-c", AGENT + script, *arguments]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=LIMIT_S)


@pytest.fixture(scope="module")
def both() -> list[Any]:
    """Of the first nursery and of the second: whether it is a fork, what functions find there, what came of them."""
    ended = told(BOTH, TESTS)
    assert ended.returncode == 0, ended.stderr
    return list(json.loads(ended.stdout))


def test_the_first_nursery_of_an_agent_is_its_fork_and_the_next_a_program_of_its_own(both: list[Any]) -> None:
    assert [is_fork for is_fork, _, _ in both] == [True, False]


def test_functions_find_in_a_fork_of_the_agent_what_they_find_in_a_program_of_its_own(both: list[Any]) -> None:
    (_, in_fork, _), (_, in_program, _) = both

    assert in_fork == in_program
    assert not in_fork["click"]
    assert in_fork["shown"] == "handoff: nursery"
    assert in_fork["mark"]


def test_a_fork_that_is_killed_is_told_like_a_program(both: list[Any]) -> None:
    assert [cause for _, _, cause in both] == ["its nursery is gone: killed by signal 9 (SIGKILL)"] * 2


def test_an_agent_forks_no_nursery_beside_a_thread_nor_where_no_mark_could_be_shown() -> None:
    ended = told(
        """
import threading
alone = nursery._can_fork()
over = threading.Event()
threading.Thread(target=over.wait).start()
with_thread = nursery._can_fork()
over.set()
for thread in set(threading.enumerate()) - {threading.main_thread()}:
    thread.join()
nursery.can_show_others = lambda: False
print(json.dumps([alone, with_thread, nursery._can_fork()]))
"""
    )

    assert json.loads(ended.stdout) == [True, False, False]


def test_a_fork_to_which_the_kernel_refuses_the_mark_is_replaced_by_a_program() -> None:
    ended = told(
        """
import handoff_worker.inside.nursery as inside
def refuse(_):
    raise PermissionError(1, "not here")
inside.show_others = refuse
children = Children(idle_limit=2, imports=Imports([sys.argv[1]], is_agent=True))
print(value(run(children, task("child_forked.has_loaded", "colorsys"))))
children.close()
""",
        TESTS,
    )

    assert (ended.returncode, ended.stdout) == (0, "False\n")
    assert "not here" in ended.stderr


def test_what_is_printed_before_a_preload_fails_is_not_lost_with_the_fork(tmp_path: Path) -> None:
    (tmp_path / "torn.py").write_text("print('reel 7')\nraise ValueError('torn')\n")

    ended = told(
        """
try:
    Children(idle_limit=2, imports=Imports([sys.argv[1]], ["torn"], is_agent=True))
except NotLoaded as error:
    print(error)
""",
        str(tmp_path),
    )

    assert ended.stdout.startswith("torn cannot be preloaded")
    assert "reel 7" in ended.stderr
