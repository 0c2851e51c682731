"""How the agent's children live, are used again, and end, with real processes."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from child_tasks import HERE, alive, death, failure, run, task, turn, value, wait_until
from handoff_worker.children import nursery
from handoff_worker.children.confine import binding
from handoff_worker.children.nursery import NurseryBroken
from handoff_worker.children.outcome import Died, Finished
from handoff_worker.children.pool import Children
from handoff_worker.inside.wire import LARGEST, Channel, Garbled, encode

Start = Callable[..., Children]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start children, with any limits."""
    started: list[Children] = []
    defaults: dict[str, Any] = {"idle_limit": 4, "path": [HERE]}

    def start(**limits: Any) -> Children:
        started.append(Children(**{**defaults, **limits}))
        return started[-1]

    yield start
    for children in started:
        children.close()


@pytest.fixture
def children(start: Start) -> Children:
    return start()


def subprocess_started(children: Children, path: Path, id: str = "f") -> list[int]:
    """Run what starts a subprocess and waits; return the pids of the child and of the subprocess."""
    children.start(task("start_subprocess_and_wait", str(path), id=id))
    assert turn(children, until=path.exists) == []
    return [int(pid) for pid in json.loads(path.read_text())]


# Which child runs what.


def test_a_warm_child_is_used_again(children: Children) -> None:
    first = value(run(children, task("pid")))

    assert value(run(children, task("pid"))) == first
    assert children.idle == 1


def test_functions_at_the_same_time_have_children_of_their_own(start: Start) -> None:
    children = start(idle_limit=20)

    first = {value(outcome) for outcome in run(children, *(task("pid", id=f"a{i}") for i in range(20)))}
    second = {value(outcome) for outcome in run(children, *(task("pid", id=f"b{i}") for i in range(20)))}

    assert len(first) == 20
    assert second <= first


def test_children_of_different_bindings_are_never_the_same_process(children: Children) -> None:
    bindings = [(), binding({"gpu": [0]}), binding({"gpu": [1]})]

    first = [value(run(children, task("pid", binding=each))) for each in bindings]
    second = [value(run(children, task("pid", binding=each))) for each in bindings]

    assert len(set(first)) == 3
    assert second == first


def test_a_child_is_gone_before_its_device_goes_to_another(children: Children) -> None:
    one = value(run(children, task("pid", binding=binding({"gpu": [0]}))))
    bystander = value(run(children, task("pid", binding=binding({"gpu": [2]}))))

    seen = run(children, task("is_alive", one, binding=binding({"gpu": [0, 1]})))

    assert value(seen) is False
    assert alive(bystander)


def test_a_child_that_ends_for_another_reason_is_gone_before_its_device_is_used_again(start: Start) -> None:
    children = start(functions_limit=1)
    gpu = binding({"gpu": [0]})
    spent = value(run(children, task("pid", binding=gpu)))

    assert value(run(children, task("is_alive", spent, binding=gpu))) is False


def test_nothing_starts_on_a_device_that_a_dying_child_may_still_hold(children: Children) -> None:
    gpu = binding({"gpu": [0]})
    run(children, task("nothing", id="one", binding=gpu), task("nothing", id="two", binding=gpu), task("nothing"))
    nursery_process = value(run(children, task("nursery_pid")))
    children.start(task("sleep", 60, id="doomed", binding=gpu))
    os.kill(nursery_process, signal.SIGSTOP)

    children.kill("doomed", "canceled")
    children.start(task("nothing", id="next", binding=gpu))
    for _ in range(20):
        run(children, task("nothing", id="elsewhere"))

    assert set(children.running) == {"doomed", "next"}
    os.kill(nursery_process, signal.SIGCONT)
    assert [type(outcome) for outcome in (*turn(children), *turn(children))] == [Died, Finished]


def test_a_function_that_waits_for_a_device_can_be_killed(start: Start) -> None:
    children = start()
    one = value(run(children, task("pid", binding=binding({"gpu": [0]}))))
    children.start(task("pid", binding=binding({"gpu": [0, 1]})))

    assert children.kill("f", "canceled")

    assert death(turn(children)[0]).text == "killed by signal 9 (SIGKILL): canceled"
    wait_until(lambda: not alive(one), "the child that was in its way is gone")


def test_of_too_many_idle_children_the_oldest_is_ended(start: Start) -> None:
    children = start(idle_limit=2)
    bindings = [binding({"gpu": [index]}) for index in range(3)]

    first, second, third = (value(run(children, task("pid", binding=each))) for each in bindings)

    assert children.idle == 2
    wait_until(lambda: not alive(first), "the oldest child is gone")
    assert alive(second)
    assert alive(third)


def test_a_child_is_ended_after_so_many_functions(start: Start) -> None:
    children = start(functions_limit=2)

    one, same, other = (value(run(children, task("pid"))) for _ in range(3))

    assert same == one
    assert other != one


def test_a_child_that_has_grown_is_not_used_again(start: Start) -> None:
    children = start(growth_limit=60 * 2**20)

    large = value(run(children, task("grow", 200)))
    grown = value(run(children, task("grow", 100)))
    fresh = value(run(children, task("grow", 1)))

    assert grown == large
    assert fresh != large


def test_an_idle_child_that_has_died_is_not_given_a_function(children: Children) -> None:
    first = value(run(children, task("pid")))
    psutil.Process(first).kill()
    wait_until(lambda: not alive(first), "the idle child is dead")

    assert value(run(children, task("pid"))) != first


def test_an_id_that_runs_cannot_be_started_again(children: Children) -> None:
    children.start(task("sleep", 60))

    with pytest.raises(ValueError, match="'f' is running already"):
        children.start(task("nothing"))

    assert list(children.running) == ["f"]


# What children inherit.


def test_children_lead_groups_of_their_own_and_have_no_input_and_no_signals_of_the_agent(
    start: Start, request: pytest.FixtureRequest
) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))

    standing = value(run(start(), task("standing")))

    assert standing == {"leads its group": True, "stdin": "", "own signals": True, "arguments": []}


def test_an_interrupt_of_the_agents_group_does_not_reach_the_nursery(children: Children) -> None:
    assert value(run(children, task("nursery_group"))) != os.getpgrp()


def test_the_current_directory_is_importable_and_shadows_nothing_of_ours(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text("def name():\n    return 'mine'\n")
    (tmp_path / "redis.py").write_text("raise RuntimeError('not this one')\n")
    monkeypatch.chdir(tmp_path)

    assert value(run(start(path=[]), task("mine.name"))) == "mine"


def test_the_nursery_has_a_single_thread(children: Children) -> None:
    assert value(run(children, task("threads_of_the_nursery"))) == 1


# How functions end that do not return.


def test_a_child_that_is_killed_died_of_that_signal(children: Children) -> None:
    outcome = run(children, task("kill_myself", int(signal.SIGKILL)))

    assert outcome == Died("f", -9, "killed by signal 9 (SIGKILL)")


def test_a_child_that_exits_died_with_that_status(children: Children) -> None:
    assert run(children, task("exit_at_once", 3)) == Died("f", 3, "exited with status 3")


def test_a_child_that_exits_as_if_all_were_well_died_nonetheless(children: Children) -> None:
    assert run(children, task("exit_at_once", 0)) == Died("f", 0, "exited with status 0")


def test_a_child_that_crashes_died_of_its_signal(children: Children) -> None:
    assert run(children, task("crash")) == Died("f", -11, "killed by signal 11 (SIGSEGV)")


def test_the_death_of_one_child_leaves_the_others_alone(children: Children) -> None:
    sound, dead = run(children, task("halve", 2, id="sound"), task("exit_at_once", 1, id="dead"))

    assert value(sound) == 1
    assert isinstance(dead, Died)


def test_a_child_is_dead_when_it_is_gone_whoever_still_has_its_socket(children: Children, tmp_path: Path) -> None:
    path = tmp_path / "fork"

    outcome = run(children, task("exit_leaving_a_fork", str(path)))

    assert outcome == Died("f", 5, "exited with status 5")
    left = int(path.read_text())
    wait_until(lambda: not alive(left), "what the child left behind is gone")


def test_a_child_that_closes_its_socket_and_goes_on_is_killed(children: Children) -> None:
    outcome = run(children, task("hang_up"))

    assert outcome == Died("f", -9, "killed by signal 9 (SIGKILL): it had closed its connection to the agent")


@pytest.mark.parametrize(
    "data",
    [
        b"\xff" * 64,
        b"\x00\x00\x00\x01\xc1",
        encode(["finished"]),
        encode({"id": "f", "kind": "finished", "result": 1, "forms": [], "rss": 1, "spent": False}),
        encode({"id": "f", "kind": "finished", "result": b"", "forms": [b"", 1], "rss": 1, "spent": False}),
        encode({"id": "f", "kind": "finished", "result": b"", "forms": {}, "rss": 1, "spent": False}),
        encode({"id": "g", "kind": "finished", "result": b"", "forms": [], "rss": 1, "spent": False}),
    ],
    ids=["a huge length", "no msgpack", "another shape", "another type", "another form", "no forms", "another id"],
)
def test_a_child_that_writes_garbage_to_its_socket_is_killed(children: Children, data: bytes) -> None:
    outcome = run(children, task("write_everywhere", data))

    assert death(outcome).code == -signal.SIGKILL


def test_what_is_printed_is_not_taken_for_an_answer(children: Children) -> None:
    assert value(run(children, task("shout"))) == "said"


def test_a_killed_function_died_for_that_reason(children: Children, tmp_path: Path) -> None:
    child, subprocess_pid = subprocess_started(children, tmp_path / "pids")

    assert children.kill("f", "canceled by somebody")
    (outcome,) = turn(children)

    assert outcome == Died("f", -9, "killed by signal 9 (SIGKILL): canceled by somebody")
    assert not alive(child)
    wait_until(lambda: not alive(subprocess_pid), "the subprocess of the child is gone")


def test_a_function_whose_child_is_not_forked_yet_can_be_killed(children: Children) -> None:
    children.start(task("sleep", 60))

    assert children.kill("f", "canceled")

    assert death(turn(children)[0]).code == -signal.SIGKILL


def test_nothing_is_killed_that_does_not_run(children: Children) -> None:
    run(children, task("nothing"))

    assert not children.kill("f", "canceled")
    assert value(run(children, task("halve", 2))) == 1


def test_an_answer_that_was_on_its_way_still_counts(children: Children) -> None:
    # More than the agent reads at once, and less than a socket holds.
    size = 150_000
    pid = value(run(children, task("pid")))
    children.start(task("zeros", size))
    select.select([children], [], [], 20)

    children.kill("f", "canceled")
    wait_until(lambda: not psutil.pid_exists(pid), "the child is reaped")

    assert len(value(turn(children)[0])) == size
    assert children.idle == 0


# Limits of time.


def test_a_function_that_does_not_hear_of_its_limit_is_killed_after_the_grace(start: Start) -> None:
    children = start(grace_s=0.1)

    failed = failure(run(children, task("sleep_deaf", 60, timeout=1)))

    assert failed.exception_type == "rq.timeouts.JobTimeoutException"
    assert failed.message == "did not end within 1 seconds and 0.1 more, so its process was killed"
    assert failed.retryable


@pytest.mark.parametrize(
    ("limits", "seconds"),
    [
        ({"timeout": 100}, 105),
        ({"timeout": 100, "on_success": "nothing", "callback_timeout": 30}, 135),
        ({"kind": "on_failure", "on_failure": "sleep_on_failure", "callback_timeout": 30}, 35),
    ],
    ids=["function", "function and callback", "failure callback"],
)
def test_the_limit_holds_for_the_function_its_callback_and_the_grace(
    children: Children, limits: dict[str, Any], seconds: int
) -> None:
    before = time.monotonic()

    children.start(task("sleep", 60, **limits))
    turn(children, until=lambda: children.next_deadline() is not None)

    deadline = children.next_deadline()
    assert deadline is not None
    assert before + seconds <= deadline <= time.monotonic() + seconds
    children.expire(deadline - 1)
    assert children.next_deadline() == deadline
    children.expire(deadline)
    assert failure(turn(children)[0]).exception_type == "rq.timeouts.JobTimeoutException"


def test_a_function_without_a_limit_has_no_deadline(children: Children) -> None:
    run(children, task("nothing"))

    children.start(task("sleep", 60))

    assert children.next_deadline() is None


def test_the_deadline_of_a_function_that_has_ended_is_forgotten(children: Children) -> None:
    run(children, task("nothing", timeout=100))
    deadline = children.next_deadline()
    assert deadline is not None

    children.expire(deadline + 1)

    assert children.next_deadline() is None


# The agent never waits.


def test_a_large_argument_for_a_child_that_does_not_read_holds_nothing_up(children: Children) -> None:
    pid = value(run(children, task("pid")))
    os.kill(pid, signal.SIGSTOP)
    children.start(task("length", os.urandom(7 * 2**20), id="large"))

    assert value(run(children, task("halve", 2))) == 1

    os.kill(pid, signal.SIGCONT)
    assert value(turn(children)[0]) == 7 * 2**20


def test_children_are_asked_for_before_the_nursery_is_there(start: Start) -> None:
    children = start()

    for number in range(5):
        children.start(task("nothing", id=str(number)))

    assert len(children.running) == 5
    ended: set[str] = set()
    while len(ended) < 5:
        ended |= {outcome.id for outcome in turn(children) if isinstance(outcome, Finished)}
    assert not children.running


# The nursery, and the end of it all.


def test_a_nursery_that_is_killed_takes_its_children_with_it_and_is_replaced(
    children: Children, tmp_path: Path
) -> None:
    first = value(run(children, task("nursery_pid")))
    busy, subprocess_pid = subprocess_started(children, tmp_path / "pids", id="lost")

    os.kill(first, signal.SIGKILL)
    (outcome,) = turn(children)

    assert outcome == Died("lost", None, "its nursery is gone: killed by signal 9 (SIGKILL)")
    wait_until(lambda: not alive(busy) and not alive(subprocess_pid), "its child and the child's subprocess are gone")
    assert value(run(children, task("nursery_pid"))) != first
    assert children.idle == 1


def test_functions_that_wait_for_a_nursery_that_dies_are_run_by_the_next(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(nursery, "_BOOT", "raise SystemExit(7)")
        children = start()
    children.start(task("halve", 2))

    assert value(turn(children)[0]) == 1


def test_a_nursery_that_never_comes_up_is_said_so(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nursery, "_BOOT", "raise SystemExit(7)")
    children = start()

    with pytest.raises(NurseryBroken, match="3 times in a row \\(exited with status 7\\): see"):
        turn(children)


def test_close_ends_everything_and_may_be_repeated(start: Start, tmp_path: Path) -> None:
    children = start()
    idle, nursery_process = value(run(children, task("pid"))), value(run(children, task("nursery_pid")))
    busy, subprocess_pid = subprocess_started(children, tmp_path / "pids", id="busy")

    children.close()
    children.close()

    assert not [pid for pid in (idle, nursery_process, busy) if psutil.pid_exists(pid)]
    wait_until(lambda: not alive(subprocess_pid), "the subprocess of the child is gone")


def test_an_agent_that_is_killed_leaves_no_process_behind(tmp_path: Path) -> None:
    path = tmp_path / "pids"
    script = f"""
import sys
sys.path.insert(0, {HERE!r})
from child_tasks import Children, Path, run, task, turn, value
children = Children(idle_limit=2, path=[{HERE!r}])
idle, nursery = value(run(children, task("pid"))), value(run(children, task("nursery_pid")))
children.start(task("start_subprocess_and_wait", {str(path)!r}))
turn(children, until=Path({str(path)!r}).exists)
print(idle, nursery, flush=True)
turn(children)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as agent:
        try:
            assert agent.stdout is not None
            left = [*map(int, agent.stdout.readline().split()), *json.loads(path.read_text())]
            assert len(left) == 4
            assert all(alive(pid) for pid in left)
        finally:
            agent.kill()

    wait_until(lambda: not any(alive(pid) for pid in left), "every process of the agent is gone")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a busy child outlives its nursery")
def test_a_busy_child_ends_with_its_nursery_even_if_nobody_sees_to_it(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    script = f"""
import sys
sys.path.insert(0, {HERE!r})
from child_tasks import Children, Path, run, task, turn, value
children = Children(idle_limit=2, path=[{HERE!r}])
nursery = value(run(children, task("nursery_pid")))
children.start(task("write_pid_and_sleep", {str(path)!r}))
turn(children, until=Path({str(path)!r}).exists)
print(nursery, flush=True)
turn(children)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as agent:
        try:
            assert agent.stdout is not None
            nursery_process = int(agent.stdout.readline())
            child = int(path.read_text())
            agent.send_signal(signal.SIGSTOP)

            os.kill(nursery_process, signal.SIGKILL)

            wait_until(lambda: not alive(child), "the child is gone")
        finally:
            agent.kill()


# The wire.


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, Channel]]:
    """A plain socket, and the channel at its other end, which does not block."""
    near, far = socket.socketpair()
    with near, far:
        far.setblocking(False)
        yield near, Channel(far)


def test_a_message_arrives_however_it_is_cut(ends: tuple[socket.socket, Channel]) -> None:
    near, channel = ends
    messages = [{"a": b"\x00\xff"}, [], "text", 2**40]
    received = []

    for byte in b"".join(map(encode, messages)):
        near.send(bytes([byte]))
        received += channel.receive()

    assert received == messages


def test_several_messages_arrive_at_once(ends: tuple[socket.socket, Channel]) -> None:
    near, channel = ends
    near.sendall(encode(1) + encode(2) + encode(3)[:-1])

    assert channel.receive() == [1, 2]


def test_what_the_socket_does_not_take_is_sent_later(ends: tuple[socket.socket, Channel]) -> None:
    near, channel = ends
    large = bytes(2**22)
    assert not channel.send(encode(large))

    other = Channel(near)
    received = other.receive()
    while not channel.flush():
        received += other.receive()
    while not received:
        received += other.receive()

    assert received == [large]


def test_a_length_that_no_message_has_is_refused_at_once(ends: tuple[socket.socket, Channel]) -> None:
    near, channel = ends
    near.sendall((LARGEST + 1).to_bytes(4, "big"))

    with pytest.raises(Garbled, match="is announced and"):
        channel.receive()


def test_the_end_of_the_other_side_is_an_end(ends: tuple[socket.socket, Channel]) -> None:
    near, channel = ends
    near.close()

    with pytest.raises(EOFError):
        channel.receive()
