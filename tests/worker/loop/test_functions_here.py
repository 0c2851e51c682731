"""What becomes of the functions that an agent was given: each is launched once, and its outcome delivered once."""

from __future__ import annotations

import logging
from typing import Any, cast

import pytest

from handoff.ledger.result_entry import encode_value
from handoff_worker.agent import delivery
from handoff_worker.agent.delivery import Outbox, Result
from handoff_worker.agent.functions import Functions
from handoff_worker.agent.started import Started
from handoff_worker.children.enforcing import MemorySeen
from handoff_worker.children.outcome import Died, Failed, Finished
from support.agent_loop import Children, Maker

ID = "job:1"

MB = 2**20


@pytest.fixture
def children() -> Children:
    return Children()


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


@pytest.fixture
def functions(children: Children, outbox: Outbox) -> Functions:
    return Functions(cast(Any, children), cast(Any, Maker()), outbox)


def started(id: str = ID) -> Started:
    return Started(id, {})


def launched(children: Children) -> list[str]:
    return [task.id for task in children.started]


def test_a_start_that_redis_has_forgotten_is_not_repeated(functions: Functions, children: Children) -> None:
    functions.start(started())
    functions.start(started())

    assert launched(children) == [ID]


@pytest.mark.parametrize("size", [0, delivery.LARGE // 2, delivery.LARGE])
def test_a_result_that_redis_has_forgotten_is_delivered_again_with_its_value(
    functions: Functions, outbox: Outbox, size: int
) -> None:
    known = Started(ID, {b"h_token": b"token", b"h_attempts": b"1"})
    functions.start(known)
    functions.end(Finished(ID, bytes(size)))
    for ahead in outbox.take_large():
        outbox.arrived(ahead.id, "parcel")
    [delivered] = outbox.exchange()[1]
    outbox.note_answer(1)
    functions.settle(delivered, "finished")

    functions.start(known)

    [again] = [*outbox.unsent, *outbox.take_large()]
    assert (again.kind, again.body) == ("finished", encode_value(bytes(size)))


@pytest.mark.parametrize(
    ("answer", "told"), [("failed", "in attempt 2: "), ("retrying", "in attempt 2 and is tried again: ")]
)
def test_of_an_attempt_that_failed_the_log_tells_why(
    functions: Functions, outbox: Outbox, caplog: pytest.LogCaptureFixture, answer: str, told: str
) -> None:
    functions.start(Started(ID, {b"h_token": b"token", b"h_attempts": b"2"}))
    outbox.add(delivery.unstorable(ID, RuntimeError("no")))
    [delivered] = outbox.exchange()[1]
    outbox.note_answer(1)
    with caplog.at_level(logging.INFO):
        functions.settle(delivered, answer)
        functions.write_diary()

    [said] = [record.getMessage() for record in caplog.records]
    assert said == f"failed job on a {told}{delivered.error}: {delivered.message}"


def test_a_result_that_redis_did_not_take_has_failed_for_good(functions: Functions, outbox: Outbox) -> None:
    known = Started(ID, {b"h_token": b"token", b"h_attempts": b"1"})
    functions.start(known)
    functions.end(Finished(ID, bytes(delivery.LARGE)))
    outbox.take_large()
    outbox.add(delivery.unstorable(ID, RuntimeError("no")))
    [delivered] = outbox.exchange()[1]
    outbox.note_answer(1)
    functions.settle(delivered, "failed")

    functions.start(known)

    assert [result.kind for result in outbox.unsent] == ["failed"]


def test_what_a_command_has_ended_is_told_as_stopped(functions: Functions, outbox: Outbox) -> None:
    functions.start(started())
    functions.stop(ID, "it was canceled")
    functions.end(Died(ID, -9, "killed by signal 9 (SIGKILL)"))

    [result] = outbox.unsent
    assert (result.id, result.kind, result.message) == (ID, "stopped", "it was canceled")


def test_what_returned_before_it_was_ended_has_finished(functions: Functions, outbox: Outbox) -> None:
    functions.start(started())
    functions.stop(ID, "it was canceled")
    functions.end(Finished(ID, b"\xc0"))

    assert [result.kind for result in outbox.unsent] == ["finished"]


GPU_COSTS = Started(ID, {b"h_demand": b"gpu_memory=70000000,slots=10000", b"h_variant": b"0", b"h_code": b"tasks:f"})

COSTS = Started(ID, {b"h_demand": b"memory=5000000,slots=10000", b"h_variant": b"0", b"h_code": b"tasks:f"})


@pytest.mark.parametrize(("answer", "count"), [("failed", 4), ("retrying", 4), ("refused", 0)])
def test_what_was_stopped_for_its_memory_is_learned_unless_its_result_came_too_late(
    functions: Functions, outbox: Outbox, answer: str, count: int
) -> None:
    functions.start(COSTS)
    functions.exceed(MemorySeen(ID, 912))
    functions.end(Died(ID, -9, "killed by signal 9 (SIGKILL)", took_s=2.5))
    outbox.exchange()
    [result] = outbox.sent

    functions.settle(result, answer)

    assert len(functions.learning.take()) == count


@pytest.mark.parametrize("by_kernel", [False, True])
def test_what_had_more_memory_than_it_had_declared_is_told_so(
    functions: Functions, outbox: Outbox, by_kernel: bool
) -> None:
    functions.start(COSTS)
    if not by_kernel:
        functions.exceed(MemorySeen(ID, 912))
    exceeded = 912 * MB if by_kernel else None
    functions.end(Died(ID, -9, "killed by signal 9 (SIGKILL)", took_s=2.5, exceeded=exceeded))

    [result] = outbox.unsent
    assert (result.kind, result.error, result.usage) == ("exceeded", "handoff.MemoryExceeded", "912,,2500000")
    assert result.message == "it used 912 MB of memory and had declared 500"


def test_what_it_had_of_gpus_is_told_and_that_it_was_stopped_for_it(functions: Functions, outbox: Outbox) -> None:
    functions.start(GPU_COSTS)
    functions.exceed(MemorySeen(ID, 6000, "gpu_memory", is_too_much=False))
    functions.end(Finished(ID, b"\xc0", took_s=2.5))
    functions.start(GPU_COSTS)
    functions.exceed(MemorySeen(ID, 9000, "gpu_memory"))
    functions.end(Died(ID, -9, "killed by signal 9 (SIGKILL)", took_s=2.5))

    kept, stopped = outbox.unsent
    assert (kept.kind, kept.usage) == ("finished", ",,2500000,6000")
    assert (stopped.kind, stopped.usage) == ("exceeded", ",,2500000,9000")
    assert stopped.message == "it used 9000 MB of gpu_memory and had declared 7000"


def test_what_returned_before_it_was_stopped_for_its_memory_has_finished(functions: Functions, outbox: Outbox) -> None:
    functions.start(COSTS)
    functions.exceed(MemorySeen(ID, 912))
    functions.end(Finished(ID, b"\xc0"))

    assert [result.kind for result in outbox.unsent] == ["finished"]


def test_what_is_canceled_is_canceled_whatever_memory_it_had(functions: Functions, outbox: Outbox) -> None:
    functions.start(COSTS)
    functions.exceed(MemorySeen(ID, 912))
    functions.stop(ID, "it was canceled")
    functions.end(Died(ID, -9, "killed by signal 9 (SIGKILL)"))

    assert [result.kind for result in outbox.unsent] == ["stopped"]


def test_memory_of_what_has_ended_meanwhile_stops_nothing(functions: Functions, children: Children) -> None:
    functions.exceed(MemorySeen(ID, 912))

    assert children.killed == []


def test_a_child_that_dies_by_itself_has_failed_and_may_be_tried_again(functions: Functions, outbox: Outbox) -> None:
    functions.start(started())
    functions.end(Died(ID, -9, "killed by signal 9 (SIGKILL)"))

    assert [(result.kind, result.retryable) for result in outbox.unsent] == [("died", True)]


def test_a_result_that_came_too_late_is_named_in_the_log(
    functions: Functions, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    functions.start(started())
    functions.end(Finished(ID, b"\xc0"))
    functions.disown("its node was lost")

    assert "the result of job came too late: its node was lost" in caplog.text


def test_a_result_that_redis_refuses_is_named_in_the_log(
    functions: Functions, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    functions.start(started())
    functions.end(Finished(ID, b"\xc0"))
    [delivered] = outbox.exchange()[1]
    outbox.note_answer(1)

    functions.settle(delivered, "refused")

    assert "the result of job came too late: its reservation is gone" in caplog.text


def test_what_a_command_of_rqs_has_killed_has_not_died(functions: Functions, outbox: Outbox) -> None:
    functions.start(started())
    functions.kill_all("killed by rq's kill-horse command")
    functions.end(Died(ID, -9, "killed by signal 9 (SIGKILL)"))

    assert [(result.kind, result.retryable) for result in outbox.unsent] == [("failed", True)]


def test_what_comes_of_a_function_that_was_lost_is_not_delivered(functions: Functions, outbox: Outbox) -> None:
    functions.start(started())
    functions.disown("its node was lost")
    functions.end(Died(ID, -9, "killed by signal 9 (SIGKILL)"))

    assert (list(functions.running), outbox.unsent) == ([], [])


def test_a_function_that_was_lost_and_comes_anew_is_launched_when_the_first_has_ended(
    functions: Functions, children: Children, outbox: Outbox
) -> None:
    functions.start(started())
    functions.disown("its node was lost")
    functions.start(started())
    assert launched(children) == [ID]

    functions.end(Died(ID, -9, "killed by signal 9 (SIGKILL)"))

    assert launched(children) == [ID, ID]
    functions.end(Finished(ID, b"\xc0"))
    assert [result.id for result in outbox.unsent] == [ID]


def test_a_callback_is_no_function_whatever_comes_of_it(functions: Functions, outbox: Outbox) -> None:
    functions.call_back_lost(started(), "b")
    functions.end(Failed(f"{ID}:on_failure", "ValueError", "no", "no", False))

    assert (functions.callbacks, outbox.unsent) == (0, [])


def test_a_callback_that_is_owed_twice_runs_once(functions: Functions, children: Children) -> None:
    functions.call_back_lost(started(), "b")
    functions.call_back_lost(started(), "b")

    assert launched(children) == [f"{ID}:on_failure"]


@pytest.mark.parametrize(("bytes_", "exchanges"), [(10, [3]), (6, [2, 1]), (5, [1, 1, 1]), (1, [1, 1, 1])])
def test_one_exchange_carries_so_many_bytes_and_at_least_one_result(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch, bytes_: int, exchanges: list[int]
) -> None:
    monkeypatch.setattr(delivery, "MOST_BYTES", bytes_)
    for number in range(3):
        outbox.add(Result(f"job:{number}", "finished", "abc"))

    counts = []
    for _ in exchanges:
        counts.append(len(outbox.exchange()[1]))
        outbox.note_answer(counts[-1])

    assert counts == exchanges
    assert not outbox


def test_exchanges_are_numbered_on_over_what_was_given_up(outbox: Outbox) -> None:
    outbox.add(Result("job:1", "finished", ""))
    assert outbox.exchange()[0] == 1

    outbox.drop()

    assert not outbox
    assert outbox.exchange() == (2, [])
