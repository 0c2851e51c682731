"""What functions print stands in the agent's output line by line, with the id of who has printed it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import pytest

from handoff_worker.inside.printing import MOST_HELD, Printing


class Stream(io.StringIO):
    """Where an agent writes, which is called once for what is to stay together."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        self.write = self._note  # type: ignore[method-assign]

    def _note(self, text: str) -> int:
        self.calls.append(text)
        return len(text)


@pytest.fixture
def stream() -> Stream:
    return Stream()


@pytest.fixture
def heard() -> list[str]:
    return []


@pytest.fixture
def printing(stream: Stream, heard: list[str]) -> Printing:
    printing = Printing(heard.append, "text")
    printing.attach("stdout", stream)
    printing.begin("job:1")
    return printing


def test_each_line_has_the_id_of_the_function_and_is_written_at_once(printing: Printing, stream: Stream) -> None:
    print("a", 1, file=stream)
    stream.writelines(["b\nc", "\n"])

    assert stream.calls == ["[job] a 1\n", "[job] b\n", "[job] c\n"]


def test_a_line_without_an_end_is_ended_with_its_function(printing: Printing, stream: Stream) -> None:
    print("a", end="", file=stream)
    assert stream.calls == []

    printing.end()
    printing.end()
    printing.begin("next:1")
    print("b", file=stream)

    assert stream.calls == ["[job] a\n", "[next] b\n"]


def test_what_is_kept_of_it_is_what_was_printed(printing: Printing, stream: Stream, heard: list[str]) -> None:
    print("a\r", end="", file=stream)
    print("b", file=stream)

    assert "".join(heard) == "a\rb\n"


@pytest.mark.parametrize(
    ("write", "shown"),
    [
        (lambda stream: stream.write("\r10%\r20%\r30%\n"), ["[job] 30%\n"]),
        (lambda stream: stream.write("dos\r\n"), ["[job] dos\n"]),
        (lambda stream: [stream.write(f"\r{number}") for number in range(MOST_HELD + 1)], [f"[job] {MOST_HELD}\n"]),
        (lambda stream: stream.write(""), []),
        (lambda stream: stream.write("\n"), ["[job] \n"]),
    ],
)
def test_of_a_line_that_is_written_over_stands_what_a_terminal_would_show(
    printing: Printing, stream: Stream, write: Callable[[Stream], object], shown: list[str]
) -> None:
    write(stream)

    assert stream.calls == shown


def test_programs_are_given_each_line_as_an_object(stream: Stream) -> None:
    printing = Printing(lambda text: None, "json")
    printing.attach("stderr", stream)
    print("before any function", file=stream)
    printing.begin("job:1")
    print('a "b"\nc', file=stream)

    first, second, third = (json.loads(line) for line in "".join(stream.calls).splitlines())
    assert "id" not in first
    assert second.items() >= {"id": "job", "message": 'a "b"', "logger": "stderr", "level": "INFO"}.items()
    assert third["message"] == "c"


def test_what_is_no_text_is_for_the_stream_to_refuse() -> None:
    stream = io.StringIO()
    printing = Printing(lambda text: None, "text")
    printing.attach("stdout", stream)

    with pytest.raises(TypeError, match="string argument expected"):
        stream.write(b"a")  # type: ignore[arg-type]


def test_a_process_without_a_stream_has_nothing_to_attach() -> None:
    Printing(lambda text: None, "text").attach("stdout", None)
