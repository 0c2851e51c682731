"""What a function finds around it in a child, and what comes back of it, in all the ways in which it can end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis
from rq.job import Job

from child_tasks import (
    HERE,
    entry,
    failure,
    graph,
    inline,
    inline_function,
    inputs,
    result,
    run,
    task,
    transform,
    value,
)
from handoff.client.current import current, run_as_current
from handoff.local.server import RedisServer
from handoff.serializer import PickleSerializer, Serializer
from handoff_worker.children.outcome import Failed, Finished, Outcome
from handoff_worker.children.pool import Children
from handoff_worker.inside.failure import LONGEST_TEXT
from handoff_worker.inside.importing import import_function
from handoff_worker.inside.results import LARGEST_FORMS, LARGEST_RESULT
from support import need_redis_server


@pytest.fixture(scope="module")
def children(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Children]:
    folder = tmp_path_factory.mktemp("broken")
    (folder / "lacking.py").write_text("import no_such_dependency\n\ndef function(): pass\n")
    (folder / "misspelled.py").write_text("def function() return 1\n")
    children = Children(idle_limit=2, path=[HERE, str(folder)])
    yield children
    children.close()


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """Where callbacks write to what they were given."""
    return tmp_path / "told"


def test_what_a_function_returns_comes_back(children: Children) -> None:
    assert value(run(children, task("length", b"abc"))) == 3


def test_an_async_function_is_run_to_its_end(children: Children) -> None:
    assert value(run(children, task("halve", 12))) == 6


def test_a_method_of_a_nested_class_is_found(children: Children) -> None:
    assert value(run(children, task("child_tasks.Outer.Inner.name"))) == "inner"


def test_pickled_functions_run_when_the_task_says_so(children: Children) -> None:
    outcome = run(children, task("length", b"abc", job_serializer=PickleSerializer, serializer="pickle"))

    assert isinstance(outcome, Finished)
    assert PickleSerializer.loads(outcome.result) == 3


def test_an_argument_of_7_mb_arrives(children: Children) -> None:
    assert value(run(children, task("length", os.urandom(7 * 2**20)))) == 7 * 2**20


def test_a_result_of_60_mb_comes_back(children: Children) -> None:
    assert len(value(run(children, task("zeros", 60_000_000)))) == 60_000_000


def test_a_result_over_the_limit_fails_for_good(children: Children) -> None:
    failed = failure(run(children, task("zeros", LARGEST_RESULT)))

    assert failed.exception_type == "handoff_worker.inside.results.ResultTooLarge"
    assert "the result takes 64.0 MB and 64.0 MB is the limit: store the data elsewhere" in failed.message
    assert not failed.retryable


def test_a_result_that_cannot_be_serialized_fails_for_good(children: Children) -> None:
    failed = failure(run(children, task("unserializable")))

    assert failed.exception_type == "handoff.errors.NotSerializable"
    assert failed.message.startswith("the result holds an object")
    assert not failed.retryable


def test_an_exception_comes_back_with_its_traceback(children: Children) -> None:
    failed = failure(run(children, task("fail", "wrong")))

    assert (failed.exception_type, failed.message, failed.retryable) == ("ValueError", "wrong", True)
    assert "in fail\n    raise ValueError(text)\nValueError: wrong\n" in failed.traceback


def test_an_exception_of_the_users_own_has_its_full_name(children: Children) -> None:
    failed = failure(run(children, task("fail_speechless")))

    assert failed.exception_type == "child_tasks.Speechless"
    assert failed.message == "(its text could not be made: RuntimeError)"


@pytest.mark.parametrize(
    ("name", "args", "kind"), [("leave", [0], "SystemExit"), ("interrupt", [], "KeyboardInterrupt")]
)
def test_exits_and_interrupts_end_the_function_and_not_the_child(
    children: Children, name: str, args: list[int], kind: str
) -> None:
    before = value(run(children, task("pid")))

    failed = failure(run(children, task(name, *args)))

    assert failed.exception_type == kind
    assert value(run(children, task("pid"))) == before


def test_a_message_with_what_utf_8_does_not_carry_arrives(children: Children) -> None:
    failed = failure(run(children, task("fail", "file \udcff")))

    assert failed.message == "file \\udcff"


def test_the_middle_of_an_endless_message_is_left_out(children: Children) -> None:
    failed = failure(run(children, task("fail", "a" * LONGEST_TEXT + "b" * LONGEST_TEXT)))

    assert LONGEST_TEXT < len(failed.message) < LONGEST_TEXT + 100
    assert f"a\n... {LONGEST_TEXT} characters left out ...\nb" in failed.message


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("no_such_module.function", "ModuleNotFoundError", "No module named 'no_such_module'"),
        ("child_tasks.no_such", "ImportError", "cannot import name 'no_such' from 'child_tasks'"),
        ("child_tasks.Outer.none", "ImportError", "cannot import name 'Outer.none' from 'child_tasks'"),
        ("lacking.function", "ModuleNotFoundError", "No module named 'no_such_dependency'"),
        ("misspelled.function", "SyntaxError", "expected ':' (misspelled.py, line 1)"),
    ],
    ids=["module", "name", "nested name", "what the module imports", "syntax"],
)
def test_what_cannot_be_imported_says_what_is_missing_and_fails_for_good(
    children: Children, name: str, kind: str, message: str
) -> None:
    failed = failure(run(children, task(name)))

    assert (failed.exception_type, failed.message, failed.retryable) == (kind, message, False)


def test_a_name_without_a_module_is_refused() -> None:
    with pytest.raises(ImportError, match="'length' names no module"):
        import_function("length")


def test_arguments_that_cannot_be_read_fail_for_good(children: Children) -> None:
    failed = failure(run(children, task("length", b"abc", job_serializer=PickleSerializer)))

    assert failed.exception_type == "ValueError"
    assert "were not written by Handoff's msgpack serializer" in failed.message
    assert not failed.retryable


def test_the_function_sees_its_job(children: Children) -> None:
    seen = value(run(children, task("current_job", id="job-1", timeout=30)))

    assert seen == ["job-1", "handoff.node1", 30, "started"]


def test_what_follows_the_job_in_the_id_of_a_task_is_for_the_agent_alone(children: Children) -> None:
    outcome = run(children, replace(task("current_job", id="job-1"), id="job-1:2"))

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
        with run_as_current("job-1", "a", {}):
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
    failed = failure(run(children, task("sleep", 60, timeout=1)))

    assert failed.exception_type == "rq.timeouts.JobTimeoutException"
    assert failed.message == "Task exceeded maximum timeout value (1 seconds)"
    assert "in sleep\n    time.sleep(seconds)" in failed.traceback
    assert failed.retryable


def test_a_function_may_catch_that_it_is_past_its_limit_but_its_child_is_not_used_again(children: Children) -> None:
    before = value(run(children, task("pid")))

    assert value(run(children, task("sleep_through_the_limit", timeout=1))) == "caught"

    assert value(run(children, task("pid"))) != before


def test_the_success_callback_is_told_the_result(children: Children, told: Path) -> None:
    outcome = run(children, task("length", b"abc", on_success="write_success", environment={"TOLD": str(told)}))

    assert value(outcome) == 3
    assert told.read_text() == "f finished 3"


def test_a_success_callback_that_raises_fails_the_function(children: Children) -> None:
    failed = failure(run(children, task("length", b"abc", on_success="fail_on_success")))

    assert (failed.exception_type, failed.message) == ("LookupError", "no place for 3")


def test_nobody_is_told_of_a_success_that_cannot_be_stored(children: Children, told: Path) -> None:
    failure(run(children, task("unserializable", on_success="write_success", environment={"TOLD": str(told)})))

    assert not told.exists()


@pytest.mark.parametrize(
    ("exception_type", "message", "kind", "text"),
    [
        ("ValueError", "wrong", "ValueError", "wrong"),
        ("rq.timeouts.JobTimeoutException", "late", "JobTimeoutException", "late"),
        ("handoff.errors.NodeLost", "gone", "OriginalUnavailable", "handoff.errors.NodeLost: gone"),
        ("no_such_module.Error", "gone", "OriginalUnavailable", "no_such_module.Error: gone"),
        ("child_tasks.nothing", "gone", "OriginalUnavailable", "child_tasks.nothing: gone"),
    ],
    ids=["builtin", "imported", "built otherwise", "not to be imported", "no exception"],
)
def test_the_failure_callback_is_told_what_happened(
    children: Children, told: Path, exception_type: str, message: str, kind: str, text: str
) -> None:
    tell = task(
        "nothing",
        kind="on_failure",
        on_failure="write_failure",
        exception_type=exception_type,
        message=message,
        traceback="Traceback: ...",
        environment={"TOLD": str(told)},
    )

    outcome = run(children, tell)

    assert outcome == Finished("f", b"")
    assert json.loads(told.read_text()) == ["f", kind, text, ["Traceback: ..."], True]


def test_a_failure_callback_has_its_own_limit_of_time(children: Children) -> None:
    failed = failure(
        run(children, task("nothing", kind="on_failure", on_failure="sleep_on_failure", callback_timeout=1))
    )

    assert failed.exception_type == "rq.timeouts.JobTimeoutException"


# Functions of a graph: results as arguments, and forms of their own result.


def test_results_come_first_and_rq_is_told_so(children: Children) -> None:
    stored = graph(inputs(result(3), result(1)))
    at_hand = {1: entry("one"), 3: entry(["three"])}

    args, kwargs, job_args, job_kwargs = value(
        run(children, task("call_and_job", "extra", hash=stored, inputs=at_hand, kwargs={"key": 1}))
    )

    assert args == job_args == [["three"], "one", "extra"]
    assert kwargs == job_kwargs == {"key": 1}


def test_a_function_that_only_makes_forms_is_called_as_it_stands(children: Children) -> None:
    outcome = run(children, task("call", "extra", hash=graph(forms=[transform("sent")]), node="a"))

    assert value(outcome) == [["extra"], {}]
    assert forms(outcome) == [["sent", [["extra"], {}], "a"]]


def test_results_that_did_not_come_along_are_read(children: Children, server: RedisServer) -> None:
    numbers = range(1, 10_001)
    stored = graph(inputs(*map(result, numbers)))
    with redis.Redis.from_url(server.url) as connection:
        for number in numbers:
            add_entry(connection, number, entry(number))

        # What came along is not read again.
        seen = value(run(children, task("total", hash=stored, redis={"url": server.url}, inputs={7: entry(-1)})))

        connection.delete(*(f"rq:results:run-{number}" for number in numbers))
    assert seen == sum(numbers) - 8


def test_a_result_that_is_gone_fails_for_good(children: Children, server: RedisServer) -> None:
    stored = graph(inputs(result(404, "producer")))

    failed = failure(run(children, task("call", hash=stored, redis={"url": server.url})))

    assert failed.exception_type == "handoff_worker.inside.inputs.ResultGone"
    assert failed.message == (
        "the result of function 'producer', which this one takes, is gone: "
        "it has expired or was deleted, so submit the whole graph again"
    )
    assert not failed.retryable


def test_a_redis_that_is_away_is_worth_another_attempt(children: Children) -> None:
    failed = failure(run(children, task("call", hash=graph(inputs(result(1))), redis={"port": 1})))

    assert failed.exception_type == "redis.exceptions.ConnectionError"
    assert failed.message.endswith("(raised by reading 1 results that it takes)")
    assert failed.retryable


def test_what_the_function_saves_of_its_job_leaves_the_results_out(children: Children, server: RedisServer) -> None:
    stored = graph(inputs(result(1)))
    saving = task("save_job", "extra", id="saved", hash=stored, inputs={1: entry(1)}, redis={"url": server.url})

    assert value(run(children, saving)) is None

    with redis.Redis.from_url(server.url) as connection:
        args = Job.fetch("saved", connection=connection, serializer=Serializer).args
        connection.delete("rq:job:saved")
    assert args == ("extra",)


def test_pickled_results_are_taken_and_made(children: Children) -> None:
    stored = graph(
        inputs(result(1, deserialize=transform("received", {1}))), [transform("sent", {2})], PickleSerializer
    )
    taking = task(
        "call", job_serializer=PickleSerializer, serializer="pickle", hash=stored,
        inputs={1: entry(1j, serializer=PickleSerializer)},
    )  # fmt: skip

    outcome = run(children, taking)

    assert isinstance(outcome, Finished)
    seen = PickleSerializer.loads(outcome.result)
    assert seen == [[["received", 1j, "source.example", "node1", {1}]], {}]
    assert [PickleSerializer.loads(form) for form in outcome.forms] == [["sent", seen, "node1", {2}]]


def test_what_belongs_to_a_function_can_ask_about_it(children: Children) -> None:
    where = transform("where_it_runs")
    takes = inputs(result(1, deserialize=where), inline(0), inlines=[inline_function("where_it_runs")])

    outcome = run(children, task("call", id="job-1", hash=graph(takes, [where]), inputs={1: entry(None)}))

    here = ["consumer", "job-1"]
    assert value(outcome) == [[here, here], {}]
    assert forms(outcome) == [here]


def test_a_transform_that_cannot_be_imported_says_so_and_fails_for_good(children: Children) -> None:
    takes = inputs(result(1, "producer", deserialize=transform("no_such")))

    failed = failure(run(children, task("call", hash=graph(takes), inputs={1: entry(None)})))

    assert failed.exception_type == "ImportError"
    assert failed.message == (
        "cannot import name 'no_such' from 'child_tasks' (child_tasks.no_such deserializes the result of 'producer': "
        "make it importable on this node, node1)"
    )
    assert not failed.retryable


def test_what_a_transform_raises_fails_the_function_as_if_it_had_raised_it(children: Children) -> None:
    takes = inputs(result(1, "producer", deserialize=transform("refuse")))

    failed = failure(run(children, task("call", hash=graph(takes), inputs={1: entry(None)})))

    place = "(raised by child_tasks.refuse, which deserializes the result of 'producer')"
    assert (failed.exception_type, failed.message, failed.retryable) == ("ValueError", f"wrong {place}", True)
    assert f'in refuse\n    raise ValueError("wrong")\nValueError: wrong\n{place}\n' in failed.traceback


def test_a_serializer_that_raises_fails_the_function(children: Children) -> None:
    failed = failure(run(children, task("call", hash=graph(forms=[transform("refuse")]))))

    place = "(raised by child_tasks.refuse, which serializes the result of 'consumer')"
    assert (failed.exception_type, failed.message, failed.retryable) == ("ValueError", f"wrong {place}", True)


def test_a_function_whose_serializer_cannot_be_imported_does_not_run(children: Children, told: Path) -> None:
    stored = graph(forms=[transform("no_such")])

    failed = failure(run(children, task("write_told", hash=stored, environment={"TOLD": str(told)})))

    assert failed.exception_type == "ImportError"
    assert "child_tasks.no_such serializes the result of 'consumer': make it importable" in failed.message
    assert not failed.retryable
    assert not told.exists()


@pytest.mark.parametrize(
    ("takes", "made", "place"),
    [
        (inputs(result(1, deserialize=transform("sleep_through"))), [], "which deserializes the result of 'a'"),
        (inputs(inline(0), inlines=[inline_function("sleep_through")]), [], "the inline function 'i'"),
        (None, [transform("sleep_through")], "which serializes the result of 'consumer'"),
    ],
    ids=["deserialize", "inline", "serialize"],
)
def test_the_limit_of_time_holds_for_all_that_belongs_to_a_function(
    children: Children, takes: dict[str, Any] | None, made: list[object], place: str
) -> None:
    failed = failure(run(children, task("call", timeout=1, hash=graph(takes, made), inputs={1: entry(None)})))

    assert failed.exception_type == "rq.timeouts.JobTimeoutException"
    assert failed.message.startswith("Task exceeded maximum timeout value (1 seconds) (raised by ")
    assert place in failed.message
    assert failed.retryable


@pytest.mark.parametrize(
    ("name", "args"), [("unserializable", []), ("zeros", [LARGEST_RESULT])], ids=["unserializable", "too large"]
)
def test_the_first_form_stands_for_a_result_that_cannot_be_stored(
    children: Children, name: str, args: list[object]
) -> None:
    stored = graph(forms=[transform("two"), transform("where_it_runs")])

    outcome = run(children, task(name, *args, hash=stored))

    assert value(outcome) == 2
    assert forms(outcome) == [2, ["consumer", "f"]]


def test_a_form_that_cannot_be_serialized_fails_for_good(children: Children) -> None:
    failed = failure(run(children, task("nothing", hash=graph(forms=[transform("make_unserializable")]))))

    assert failed.exception_type == "handoff.errors.NotSerializable"
    assert failed.message.endswith(
        "(made by child_tasks.make_unserializable, which serializes the result of 'consumer')"
    )
    assert not failed.retryable


def test_a_form_over_the_limit_fails_for_good(children: Children) -> None:
    failed = failure(run(children, task("total", LARGEST_RESULT, hash=graph(forms=[transform("make_zeros")]))))

    assert failed.exception_type == "handoff_worker.inside.results.ResultTooLarge"
    assert "made by child_tasks.make_zeros" in failed.message


def test_forms_over_their_limit_together_fail_for_good(children: Children) -> None:
    each = LARGEST_RESULT - 1000
    makers = [transform("make_zeros", number) for number in range(LARGEST_FORMS // each + 1)]

    failed = failure(run(children, task("total", each, hash=graph(forms=makers))))

    assert failed.exception_type == "handoff_worker.inside.results.ResultTooLarge"
    assert "and 192.0 MB is the limit" in failed.message
    assert not failed.retryable


@pytest.mark.parametrize("name", ["count_tracked", "refuse"])
def test_nothing_of_what_a_function_took_outlives_it(children: Children, name: str) -> None:
    track = transform("track")
    takes = inputs(result(1, deserialize=track), inline(0), inlines=[inline_function("track")])
    taking = task(name, hash=graph(takes), inputs={1: entry(None)})

    first = run(children, taking)

    assert isinstance(first, Failed) or value(first) == 2
    assert value(run(children, task("count_tracked"))) == 0


def forms(outcome: Outcome) -> list[Any]:
    """Give the forms of what has finished."""
    assert isinstance(outcome, Finished), outcome
    return [Serializer.loads(form) for form in outcome.forms]


def add_entry(connection: redis.Redis, number: int, fields: dict[bytes, bytes]) -> None:
    """Append to the stream of a function of the run "run"."""
    add: Any = connection.xadd
    add(f"rq:results:run-{number}", fields)


def test_a_child_whose_directory_is_removed_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "home")
    children = Children(idle_limit=1, path=[HERE])

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
sys.path.insert(0, {HERE!r})
from child_tasks import Children, run, task
children = Children(idle_limit=1, path=[{HERE!r}])
run(children, task("shout"))
children.close()
"""
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONUNBUFFERED"}
    agent = [sys.executable, "-c", script]
    said = subprocess.run(agent, check=True, stdout=subprocess.PIPE, env=environment, timeout=30).stdout

    assert said == bytes(range(256)) + b"\x00not a message\n"
