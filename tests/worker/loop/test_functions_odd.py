"""Whatever stands in a job's hash that an agent was given: it is run or fails at once, and the next one is run."""

from __future__ import annotations

from typing import Any, cast

import pytest

from handoff_worker.agent.delivery import Outbox
from handoff_worker.agent.functions import Functions
from handoff_worker.agent.started import Started
from handoff_worker.agent.tasks import Maker
from handoff_worker.children.outcome import Failed
from support.agent_loop import Children
from support.each import of_each
from support.odd_jobs import BENT, FIELDS_OF_JOBS

SOUND = {
    b"status": b"started", b"data": b"x", b"created_at": b"2030-01-01T00:00:00.000000Z", b"h_token": b"t",
    b"h_demand": b"gpu=10000,slots=10000@zone=a", b"h_devices": b"gpu:0=10000", b"h_attempts": b"1", b"timeout": b"5",
    b"failure_callback_name": b"tasks.tell", b"success_callback_name": b"tasks.tell",
}  # fmt: skip

UNREADABLE: dict[str, set[str]] = {
    "h_demand": BENT.keys() - {"absent", "empty", "half", "separators"},
    "h_variant": BENT.keys() - {"absent", "empty"},
    "h_attempts": BENT.keys() - {"absent", "empty", "large"},
    "h_serializer": BENT.keys() - {"absent", "empty"},
    "h_devices": {"no utf-8", "half", "separators"},
    "h_token": {"no utf-8"},
    "h_message": {"no utf-8"},
    "h_options": {"no utf-8"},
    "created_at": {"no utf-8"},
}  # fmt: skip


class Agent:
    """The part of one that has the functions, and makes the tasks that real ones make."""

    def __init__(self) -> None:
        self.children, self.outbox = Children(), Outbox()
        maker = Maker(node="a", worker="w", url="redis://here", has_gpus=True, allow_pickle=False, environ={})
        self.functions = Functions(cast(Any, self.children), maker, self.outbox)

    def launched(self) -> list[str]:
        for task in self.children.started:
            assert task.packed()
            assert 0 < task.limit_s() <= 2**32 or task.limit_s() == float("inf")
        return [task.id for task in self.children.started]


@of_each("name", BENT)
@pytest.mark.parametrize("field", FIELDS_OF_JOBS)
def test_one_field_that_is_odd_costs_that_function_alone(field: str, name: str) -> None:
    agent = Agent()
    job = {key: value for key, value in SOUND.items() if key != field.encode()}
    if (value := BENT[name]) is not None:
        job[field.encode()] = value

    agent.functions.start(Started("odd:1", job))
    agent.functions.start(Started("good:2", SOUND))

    if name in UNREADABLE.get(field, ()):
        assert agent.launched() == ["good:2"]
        [result] = agent.outbox.unsent
        assert (result.kind, result.error, result.retryable) == ("failed", "handoff.errors.UnreadableField", False)
        assert f" as {field}, which should be " in result.message
    else:
        assert agent.launched() == ["odd:1", "good:2"]
        agent.functions.end(Failed("odd:1", "ValueError", "no", "no", False))
        [result] = agent.outbox.unsent
    assert agent.functions.told_after_roll_back()

    agent.functions.settle(result, "failed+callback")

    assert agent.launched()[-1] == "odd:1:on_failure"
    assert list(agent.functions.running) == ["good:2"]


@of_each("name", BENT)
@pytest.mark.parametrize("field", FIELDS_OF_JOBS)
def test_a_failure_callback_that_is_owed_to_an_odd_job_is_called_or_told_to_be_none(field: str, name: str) -> None:
    agent = Agent()
    job = {key: value for key, value in SOUND.items() if key != field.encode()}
    if (value := BENT[name]) is not None:
        job[field.encode()] = value

    agent.functions.call_back_lost(Started("odd:1", job))

    told = {"h_error": {"no utf-8"}} | {key: UNREADABLE[key] for key in ("h_serializer", "h_message", "h_options")}
    is_unread = name in told.get(field, ())
    assert agent.launched() == ([] if is_unread else ["odd:1:on_failure"])


def test_what_comes_later_of_a_large_job_is_read_as_carefully() -> None:
    agent = Agent()
    sent = {key: value for key, value in SOUND.items() if key != b"h_demand"}
    agent.functions.start(Started("odd:1", sent, left_out=[b"h_demand"]))

    agent.functions.complete(Started("odd:1", {**sent, b"h_demand": b"x" * 100_000}))

    assert agent.launched() == []
    assert [(result.id, result.kind) for result in agent.outbox.unsent] == [("odd:1", "failed")]


@pytest.mark.parametrize("value", [b"9" * 5000, b"\xff", b"x", "٣".encode(), b""])
def test_one_whose_retries_cannot_be_read_is_taken_for_its_last_attempt(value: bytes) -> None:
    assert not Started("odd:1", {b"h_attempts": b"1", b"h_retries": value}).has_retries


def test_what_has_no_name_is_told_by_its_call_without_the_arguments() -> None:
    assert Started("odd:1", {b"description": b"films.convert('secret', key='secret')"}).title == "films.convert"
