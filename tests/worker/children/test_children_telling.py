"""What functions tell comes from their children before their answers, bounded, and costs no function its result."""

from __future__ import annotations

from pathlib import Path

import pytest

from handoff.serializer import Serializer
from handoff_worker.children.outcome import Died, Failed, Finished
from handoff_worker.children.pool import Children
from handoff_worker.children.told import Told, read_told
from handoff_worker.inside.telling import LOG_BYTES, MOST_PARTS
from handoff_worker.inside.wire import Garbled
from support.children import Start, failure, run, task, turn, value

HEAD = TAIL = LOG_BYTES // 2


@pytest.fixture
def children(lasting: Children) -> Children:
    """Of which no test before has been told anything."""
    lasting.told.clear()
    return lasting


def output(children: Children) -> str:
    """What was printed, in brackets the bytes that were left out."""
    pieces = [piece for told in children.told for piece in told.output]
    return "".join(f"[{skipped}]" * bool(skipped) + data.decode() for skipped, data in pieces)


def parts(children: Children) -> list[object]:
    return [Serializer.loads(part) for told in children.told for part in told.parts]


def test_a_function_that_tells_nothing_sends_nothing_but_its_answer(children: Children) -> None:
    assert value(run(children, task("halve", 2))) == 1

    assert children.told == []


def test_what_is_printed_and_logged_is_told_in_order(children: Children) -> None:
    run(children, task("child_told.say_everywhere"))

    assert output(children) == "to stdout\nto stderr\nto the log\na line\n"


def test_what_is_printed_stands_in_the_log_with_who_has_printed_it_and_leaves_stdout_alone(
    capfd: pytest.CaptureFixture[str], start: Start
) -> None:
    run(start(), task("child_told.say", "hello", id="me"))

    assert capfd.readouterr() == ("", "[me] hello\n")


def test_a_line_that_is_not_ended_has_the_id_of_its_function(capfd: pytest.CaptureFixture[str], start: Start) -> None:
    children = start()
    for id in ("first", "second"):
        run(children, task("child_told.say_without_end", id, id=id))

    assert capfd.readouterr().err == "[first] first\n[second] second\n"


def test_what_a_function_tells_names_it_and_is_not_of_the_one_before(children: Children) -> None:
    for name in ("a", "b"):
        run(children, task("child_told.say", name, id=name))

    printed = {"a": b"", "b": b""}
    for told in children.told:
        # On a busy machine what is sent now and then may go out between a line and its end.
        printed[told.id] += b"".join(data for _, data in told.output)
    assert printed == {"a": b"a\n", "b": b"b\n"}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("say_and_wait", Told("f", None, [(0, b"begun\n")], [])),
        ("report_and_wait", Told("f", (1.0, "step 10"), [], [])),
    ],
)
def test_what_is_told_is_heard_while_the_function_runs(
    children: Children, tmp_path: Path, name: str, told: Told
) -> None:
    end = tmp_path / "end"
    children.start(task(f"child_told.{name}", str(end)))

    assert turn(children, until=lambda: bool(children.told)) == []

    assert children.told == [told]
    end.touch()
    assert isinstance(turn(children)[0], Finished)


def test_of_what_is_reported_often_the_last_is_told_and_little_else(children: Children) -> None:
    run(children, task("child_told.report", 20_000))

    assert children.told[-1].progress == (1.0, "step 20000")
    assert len(children.told) < 2_000


def test_of_much_that_is_printed_beginning_and_end_are_told(children: Children) -> None:
    assert value(run(children, task("child_told.say_much", 50_000))) == 50_000

    said, whole = output(children), "".join(f"line {number}\n" for number in range(50_000))
    assert said.startswith(whole[:HEAD])
    assert said.endswith(whole[-TAIL // 2 :])
    left_out = sum(skipped for told in children.told for skipped, _ in told.output)
    assert left_out + sum(len(data) for told in children.told for _, data in told.output) == len(whole)


def test_of_a_long_text_beginning_and_end_are_told(children: Children) -> None:
    run(children, task("child_told.say_at_once", 200_000))

    assert output(children) == "x" * HEAD + f"[{200_001 - HEAD - TAIL}]" + "x" * (TAIL - 1) + "\n"


def test_where_nothing_is_kept_it_is_told_once_how_much_there_was(children: Children) -> None:
    run(children, task("child_told.say_and_yield", log_bytes=0))

    assert [piece for told in children.told for piece in told.output] == [(2 * MOST_PARTS * len("a line\n"), b"")]
    assert len(parts(children)) == 2 * MOST_PARTS


def test_as_much_is_kept_as_each_function_is_given(children: Children) -> None:
    for log_bytes in (8, 0, 4):
        run(children, task("child_told.say", "0123456789", log_bytes=log_bytes))

    assert output(children) == "0123[3]789\n" + "[11]" + "01[7]9\n"


def test_what_cannot_be_written_is_told_as_it_is_escaped(children: Children) -> None:
    run(children, task("child_told.say_what_is_no_text"))

    assert output(children) == "a\\udc80b\n"


def test_what_was_told_is_heard_of_a_child_that_is_killed(children: Children, tmp_path: Path) -> None:
    end = tmp_path / "end"
    children.start(task("child_told.say_and_die", str(end)))
    turn(children, until=lambda: bool(children.told))
    end.touch()

    assert isinstance(turn(children)[0], Died)
    assert output(children) == "begun\n"


def test_a_fork_of_a_function_tells_nothing(children: Children) -> None:
    assert value(run(children, task("child_told.say_in_a_fork"))) == "parent"

    assert children.told == []


def test_threads_that_a_function_leaves_cost_the_next_ones_nothing(children: Children, tmp_path: Path) -> None:
    end = tmp_path / "end"
    run(children, task("child_told.say_in_a_thread_that_stays", str(end)))

    assert [value(run(children, task("halve", 2))) for _ in range(100)] == [1] * 100
    end.touch()


@pytest.mark.parametrize("isolation", [False, True], ids=["warm", "fresh"])
def test_what_a_generator_yields_is_told_and_what_it_returns_is_its_result(children: Children, isolation: bool) -> None:
    assert value(run(children, task("child_told.count", 3, is_isolated=isolation))) == "counted"

    assert parts(children) == [0, 1, 2]


def test_an_asynchronous_generator_has_no_result_but_its_parts(children: Children) -> None:
    assert value(run(children, task("child_told.count_later", 3))) is None

    assert parts(children) == [0, 1, 2]


def test_all_that_is_yielded_fast_is_told_in_messages_of_some(children: Children) -> None:
    run(children, task("child_told.count", 3 * MOST_PARTS))

    assert parts(children) == list(range(3 * MOST_PARTS))
    assert max(len(told.parts) for told in children.told) <= MOST_PARTS


def test_what_was_yielded_before_a_failure_is_told(children: Children) -> None:
    assert failure(run(children, task("child_told.count_then_fail", 2))).exception_type == "ValueError"

    assert parts(children) == [0, 1]


def test_a_generator_that_never_ends_is_ended_by_its_limit_of_time(children: Children) -> None:
    outcome = failure(run(children, task("child_told.count_for_ever", timeout=1)))

    assert outcome.exception_type == "rq.timeouts.JobTimeoutException"
    found = parts(children)
    assert found == list(range(len(found)))


@pytest.mark.parametrize("name", ["yield_what_cannot_be_sent", "yield_what_is_too_large"])
def test_a_part_that_cannot_be_sent_fails_the_function_for_good(children: Children, name: str) -> None:
    outcome = run(children, task(f"child_told.{name}"))

    assert isinstance(outcome, Failed)
    assert not outcome.retryable


@pytest.mark.parametrize("fraction", [-0.1, 1.1, float("nan"), True, "half", None])
def test_a_fraction_is_a_number_from_0_to_1(children: Children, fraction: object) -> None:
    assert "give a number from 0 to 1" in failure(run(children, task("child_told.report_badly", fraction))).message


@pytest.mark.parametrize(
    "change",
    [
        {"id": "g"},
        {"progress": [0.5]},
        {"progress": [2.0, ""]},
        {"progress": [0.5, "x" * 1001]},
        {"output": [[0]]},
        {"output": [[-1, b""]]},
        {"output": [[0, "text"]]},
        {"parts": ["text"]},
        {"parts": [bytes(2**20 + 1)]},
        {"parts": None},
    ],
    ids=lambda change: str(change)[:30],
)
def test_what_a_child_tells_is_not_taken_on_trust(change: dict[str, object]) -> None:
    message = {"id": "f", "kind": "told", "progress": [], "output": [], "parts": []}
    assert read_told(message, "f") == Told("f", None, [], [])

    with pytest.raises(Garbled):
        read_told({**message, **change}, "f")
