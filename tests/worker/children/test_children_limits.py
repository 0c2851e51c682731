"""Children that cannot be started, for a limit is met: their functions are told of it, and all others go on."""

from __future__ import annotations

import errno
import itertools
import os
import resource
import socket
import sys

import pytest

from handoff_worker.children import nursery
from handoff_worker.children.nursery import NoProcess
from handoff_worker.children.outcome import NotStarted
from handoff_worker.children.pool import Children
from handoff_worker.machine import open_files
from support.children import Start, run, task, value

TOO_MANY = OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def test_a_function_whose_child_would_be_one_open_file_too_many_is_told_and_all_others_go_on(
    children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = value(run(children, task("pid")))

    def refuse(**_: object) -> None:
        raise TOO_MANY

    with monkeypatch.context() as full:
        full.setattr(socket, "socketpair", refuse)
        outcomes = run(children, task("pid"), task("nothing", id="g"))

    assert value(outcomes[0]) == first
    assert outcomes[1] == NotStarted("g", "[Errno 24] Too many open files")
    assert value(run(children, task("halve", 2))) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="no other system sets the limits of another process")
def test_a_nursery_that_may_open_no_more_files_forks_none_and_goes_on(children: Children) -> None:
    nursery_pid = value(run(children, task("nursery_pid")))
    soft, hard = resource.prlimit(nursery_pid, resource.RLIMIT_NOFILE)
    taken = {int(name) for name in os.listdir(f"/proc/{nursery_pid}/fd")}
    lowest_free = next(number for number in itertools.count() if number not in taken)
    resource.prlimit(nursery_pid, resource.RLIMIT_NOFILE, (lowest_free, hard))

    outcomes = run(children, task("nothing"), task("nothing", id="g"))
    resource.prlimit(nursery_pid, resource.RLIMIT_NOFILE, (soft, hard))

    assert outcomes[1] == NotStarted("g", "too many files are open: raise that limit (ulimit -n)")
    assert value(run(children, task("nursery_pid"), task("nothing", id="g"))[0]) == nursery_pid


def test_a_nursery_that_cannot_be_started_at_once_is_started_when_it_can(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nursery, "_PAUSES_S", (0.01, 0.01, 0))
    make, refusals = nursery._Process, [TOO_MANY, BlockingIOError(errno.EAGAIN, "no more processes")]

    def refuse_first(*arguments: object) -> object:
        if refusals:
            raise refusals.pop()
        return make(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(nursery, "_Process", refuse_first)

    assert value(run(start(), task("halve", 2))) == 1


def test_a_nursery_that_cannot_be_started_at_all_is_said_so(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise TOO_MANY

    monkeypatch.setattr(nursery, "_PAUSES_S", (0.01, 0))
    monkeypatch.setattr(nursery, "_Process", refuse)

    with pytest.raises(NoProcess, match=r"no process can be started .*Too many open files.*: raise the limits"):
        start()


@pytest.mark.parametrize(
    ("limits", "slots", "fits", "soft"),
    [
        ((1024, 4096), 8, 8, 1024),
        ((64, 4096), 100, 100, 632),
        ((64, 100), 100, 11, 100),
        ((64, resource.RLIM_INFINITY), 100, 100, 632),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), 10_000, 10_000, resource.RLIM_INFINITY),
        ((10, 10), 100, 1, 10),
    ],
    ids=str,
)
def test_the_soft_limit_is_raised_as_far_as_the_slots_need_and_the_hard_one_allows(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], slots: int, fits: int, soft: int
) -> None:
    now = [limits]
    monkeypatch.setattr(resource, "getrlimit", lambda which: now[0])
    monkeypatch.setattr(resource, "setrlimit", lambda which, new: now.append(now.pop() and new))

    assert open_files.make_room(slots) == fits
    assert now == [(soft, limits[1])]


def test_a_soft_limit_that_cannot_be_raised_is_what_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(which: int, new: tuple[int, int]) -> None:
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda which: (64, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", refuse)

    assert open_files.make_room(100) == 5
