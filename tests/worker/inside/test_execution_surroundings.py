"""What a function finds around it, and what of it ends with the function."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import redis
from rq.job import Job

from child_tasks import FOREVER_S
from handoff.client.current import current, run_as_current
from handoff.local.server import RedisServer
from handoff.serializer import Serializer
from handoff_worker.children.nursery import Imports
from handoff_worker.children.outcome import Finished
from handoff_worker.children.pool import Children
from support import need_redis_server
from support.children import TESTS, failure, run, task, value
from support.waiting import LIMIT_S


def test_the_function_sees_its_job(children: Children) -> None:
    seen = value(run(children, task("current_job", id="job-1", timeout=30)))

    assert seen == ["job-1", "handoff.node1", 30, "started"]


def test_a_client_of_redis_is_made_for_who_asks_for_it(children: Children) -> None:
    assert value(run(children, task("clients", False, is_isolated=True))) == 0

    assert value(run(children, task("clients", True, is_isolated=True))) == 1


def test_what_follows_the_job_in_the_id_of_a_task_is_for_the_agent_alone(children: Children) -> None:
    outcome = run(children, task("current_job", id="job-1")._replace(id="job-1:2"))

    assert outcome.id == "job-1:2"
    assert value(outcome)[0] == "job-1"


def test_the_function_can_save_what_its_job_says_of_it(children: Children) -> None:
    need_redis_server()
    with RedisServer() as server:
        outcome = run(children, task("save_meta", 40, id="job-2", redis={"url": server.url}))
        with redis.Redis.from_url(server.url) as connection:
            meta = Job("job-2", connection=connection, serializer=Serializer).get_meta()

    assert value(outcome) is None
    assert meta == {"progress": 40}


def test_the_function_knows_its_node(children: Children) -> None:
    assert value(run(children, task("handoff.this_node", node="a.example"))) == "a.example"


STORED = {
    "h_function": "train",
    "h_demand": "gpu=10000,slots=10000@node=a;zone!=b:c&30000:cpu=25000,fpga=5000,slots=10000@node=a;zone!=b:c",
    "h_variant": "1",
    "h_devices": "fpga:3=5000",
    "h_attempts": "2",
}

PLACED = {
    "id": "job-1", "function_id": "train", "node": "a", "devices": {"fpga": [3]}, "attempt": 2, "variant": 1,
    "cost": {"cpu": 2.5, "fpga": 0.5},
}  # fmt: skip


@pytest.mark.parametrize("name", ["about_me", "about_me_in_a_thread", "about_me_in_a_fork", "about_me_later"])
def test_a_function_can_ask_how_it_was_placed(children: Children, name: str) -> None:
    assert value(run(children, task(name, id="job-1", node="a", hash=STORED))) == PLACED


def test_a_function_with_one_cost_is_told_of_the_first_variant_and_all_that_it_holds(children: Children) -> None:
    stored = {"h_demand": "gpu_memory=60000000,slots=10000", "h_devices": "gpu:2=60000000m", "h_attempts": "1"}

    told = value(run(children, task("about_me", hash=stored)))

    assert (told["variant"], told["attempt"]) == (0, 1)
    assert (told["cost"], told["devices"]) == ({"gpu_memory": 6000}, {"gpu": [2]})


def test_a_job_of_rqs_own_hands_is_told_what_is_known_of_it(children: Children) -> None:
    told = value(run(children, task("about_me", id="job-1")))

    assert told == {
        "id": "job-1", "function_id": "job-1", "node": "node1", "devices": {}, "attempt": 1, "variant": 0, "cost": {},
    }  # fmt: skip


NOBODY_RUNS = "no function runs in this process: call handoff.current() inside a function, while a node runs it"


def test_outside_of_a_function_there_is_nothing_to_ask_about() -> None:
    with pytest.raises(RuntimeError) as caught:
        current()

    assert str(caught.value) == NOBODY_RUNS


@pytest.mark.parametrize(
    "callback",
    [
        {"name": "about_me", "on_success": "look_on_success"},
        {"name": "about_me", "kind": "on_failure", "on_failure": "look_on_failure", "exception_type": "ValueError"},
    ],
    ids=["on_success", "on_failure"],
)
def test_a_callback_is_told_by_its_arguments_alone(children: Children, told: Path, callback: dict[str, Any]) -> None:
    assert isinstance(run(children, task(**callback, environment={"TOLD": str(told)})), Finished)

    assert told.read_text() == NOBODY_RUNS


def test_a_function_that_has_failed_is_forgotten() -> None:
    def fail() -> None:
        with run_as_current("job-1", "a", {}, lambda *_: None):
            assert current().id == "job-1"
            raise KeyError

    with pytest.raises(KeyError):
        fail()

    with pytest.raises(RuntimeError, match="no function runs"):
        current()


def test_the_environment_of_one_function_is_not_that_of_the_next(children: Children) -> None:
    first = run(children, task("environment", "HANDOFF_A", "PATH", environment={"HANDOFF_A": "1", "PATH": "/nowhere"}))
    second = run(children, task("environment", "HANDOFF_A", "PATH"))

    assert value(first) == ["1", "/nowhere"]
    assert value(second) == [None, os.environ["PATH"]]


def test_what_a_function_does_to_its_environment_and_directory_ends_with_it(children: Children) -> None:
    environment = {"HANDOFF_A": "1"}
    pid = value(run(children, task("pid")))

    run(children, task("change_surroundings", "HANDOFF_A", environment=environment))

    assert value(run(children, task("environment", "HANDOFF_A", environment=environment))) == ["1"]
    assert value(run(children, task("environment", "HANDOFF_A"))) == [None]
    assert value(run(children, task("directory"))) == os.getcwd()
    assert value(run(children, task("pid"))) == pid


def test_no_alarm_of_a_function_reaches_the_next(children: Children) -> None:
    pid = value(run(children, task("pid")))

    run(children, task("set_an_alarm"))
    assert value(run(children, task("alarms"))) == [0.0, True]

    assert value(run(children, task("let_the_alarm_wait"))) is None
    assert value(run(children, task("pid"))) == pid


def test_a_function_past_its_limit_is_told_so(children: Children) -> None:
    failed = failure(run(children, task("sleep", FOREVER_S, timeout=1)))

    assert failed.exception_type == "rq.timeouts.JobTimeoutException"
    assert failed.message == "Task exceeded maximum timeout value (1 seconds)"
    assert "in sleep\n    time.sleep(seconds)" in failed.traceback
    assert failed.retryable


def test_a_function_may_catch_that_it_is_past_its_limit_but_its_child_is_not_used_again(children: Children) -> None:
    before = value(run(children, task("pid")))

    assert value(run(children, task("sleep_through_the_limit", timeout=1))) == "caught"

    assert value(run(children, task("pid"))) != before


def test_a_child_whose_directory_is_removed_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "home")
    children = Children(idle_limit=1, imports=Imports([TESTS]))

    try:
        first = run(children, task("remove_directory"))
        second = run(children, task("halve", 2))
    finally:
        children.close()

    assert value(first) is None
    assert value(second) == 1


def test_what_was_printed_has_come_out_when_the_function_has_ended(tmp_path: Path) -> None:
    script = f"""
import sys
sys.path.insert(0, {TESTS!r})
from handoff_worker.children.nursery import Imports
from handoff_worker.children.pool import Children
from support.children import run, task
children = Children(idle_limit=1, imports=Imports([{TESTS!r}]))
run(children, task("shout", id="loud"))
children.close()
"""
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONUNBUFFERED"}
    agent = [sys.executable, "-c", script]
    said = subprocess.run(agent, check=True, stderr=subprocess.PIPE, env=environment, timeout=LIMIT_S).stderr

    assert said == bytes(range(256)) + b"[loud] \x00not a message\n"
