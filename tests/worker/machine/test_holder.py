"""Whether the process that holds a lease is gone: said only where it is known."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import psutil
import pytest

from handoff.ledger.texts.holder import Holder, read_holder, write_holder
from handoff_worker.machine import holder
from handoff_worker.machine.holder import is_gone, this_process
from support.processes import environment
from support.waiting import wait_until

SAY_WHO = "from handoff_worker.machine.holder import *; from handoff.ledger.texts.holder import *; "
SAY_WHO += "print(write_holder(this_process()), flush=True); input()"

ASK = """
import os, sys
from handoff_worker.machine.holder import is_gone
from handoff.ledger.texts.holder import read_holder
told = read_holder(sys.argv[1])
# Once as who may read what Python still has to import.
is_gone(told)
os.setgid(65534), os.setuid(65534)
print(os.path.exists(f"/proc/{told.pid}"), is_gone(told))
"""


@pytest.fixture
def other() -> Iterator[tuple[Holder, subprocess.Popen[str]]]:
    """Another process, and what it says of itself as a holder."""
    with subprocess.Popen(
        [sys.executable, "-c", SAY_WHO], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
    ) as process:
        assert process.stdout is not None
        yield read_holder(process.stdout.readline().strip()), process
        process.kill()


def test_who_lives_is_not_gone(other: tuple[Holder, subprocess.Popen[str]]) -> None:
    assert not is_gone(other[0])
    assert not is_gone(this_process())


def test_who_has_ended_is_gone_be_it_reaped_or_not(other: tuple[Holder, subprocess.Popen[str]]) -> None:
    told, process = other
    process.kill()
    wait_until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE, "it is a zombie")
    as_a_zombie = is_gone(told)
    process.wait()

    assert as_a_zombie
    assert is_gone(told)


def test_whose_id_is_that_of_another_by_now_is_gone() -> None:
    assert is_gone(replace(this_process(), started="1.00" if sys.platform != "linux" else "1"))


def test_who_has_said_otherwise_when_he_began_is_not_gone_while_there_is_such_a_process() -> None:
    here = this_process()

    assert not is_gone(replace(here, started="12" if "." in here.started else "12.34"))


def test_of_another_machine_nobody_here_knows() -> None:
    assert not is_gone(replace(this_process(), machine="elsewhere", started="1"))


@pytest.mark.skipif(sys.platform != "linux", reason="what the clock says of a process counts elsewhere")
def test_who_lives_is_not_gone_when_the_clock_was_set_meanwhile(
    other: tuple[Holder, subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: 1.0)
    monkeypatch.setattr(psutil, "boot_time", lambda: 0.0)

    assert not is_gone(other[0])


@pytest.mark.parametrize("error", [PermissionError, psutil.AccessDenied, OSError], ids=lambda error: error.__name__)
def test_who_is_there_and_cannot_be_read_is_not_gone(
    other: tuple[Holder, subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def refuse(pid: int) -> str:
        raise error

    monkeypatch.setattr(holder, "_started", refuse)

    assert not is_gone(other[0])


@pytest.mark.parametrize("hidden", [FileNotFoundError, psutil.NoSuchProcess(1)], ids=["proc", "psutil"])
@pytest.mark.parametrize("answer", [None, PermissionError], ids=["may be asked", "may not be asked"])
def test_who_is_hidden_is_not_gone_as_long_as_the_kernel_knows_him(
    monkeypatch: pytest.MonkeyPatch, hidden: Exception, answer: type[Exception] | None
) -> None:
    def find_nothing(pid: int) -> str:
        raise hidden

    def kill(pid: int, number: int) -> None:
        if answer:
            raise answer

    here = this_process()
    monkeypatch.setattr(holder, "_started", find_nothing)
    monkeypatch.setattr(os, "kill", kill)

    assert not is_gone(here)


def test_another_users_process_that_proc_hides_is_not_gone(
    other: tuple[Holder, subprocess.Popen[str]],
) -> None:
    told, process = other
    mount = "mount -t proc -o hidepid=2 proc /proc"
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "sh", "-c", mount], capture_output=True).returncode != 0:
        pytest.skip("this needs the right to mount")
    asking = [sys.executable, "-c", ASK, write_holder(told)]
    command = ["unshare", "-m", "sh", "-c", f'{mount} && exec "$@"', "sh", *asking]

    done = subprocess.run(command, capture_output=True, text=True, env=environment())
    while_it_lives = done.stdout.split()
    process.kill()
    process.wait()
    afterwards = subprocess.run(command, capture_output=True, text=True, env=environment()).stdout.split()

    assert (while_it_lives, afterwards) == (["False", "False"], ["False", "True"]), done.stderr
