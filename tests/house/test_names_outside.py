"""Names that are written down elsewhere: in Redis, in users' programs, in what starts processes. They stay."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from handoff import errors
from handoff.cli import main
from handoff.errors import HandoffError
from handoff.ledger.lua import files
from handoff.ledger.result_entry import decode_traceback
from handoff_worker.inside.importing import import_function

ERRORS = {
    "CyclicDependency", "DuplicateFunction", "DuplicateRun", "FunctionCanceled", "FunctionFailed", "HandoffError",
    "Infeasible", "InvalidFunction", "InvalidNode", "InvalidResources", "MissingFunction", "NodeIsLeased", "NodeLost",
    "NotAllowed", "NotDurable", "NotSerializable", "OtherLayout", "PartlySubmitted", "ResourcesUnavailable",
    "ResultGone", "ResultTooLarge", "RunCanceled", "RunTimedOut", "StoreUnavailable", "TooLarge", "UnknownFunction",
    "UnknownNode", "UnknownRun", "UnreadableField", "WaitExpired",
}  # fmt: skip
"""Jobs that failed keep such names, and so does what users catch."""

CONSTANTS = re.findall(
    r"^ *-- (handoff\.errors\.(\w+)): (.*)\n *(?:ExcString\.|\[')?([\w-]*)(?:'\])? = '([\w+/=]+)',?$",
    files.source("jobs/exc_string"),
    re.MULTILINE,
)
"""Of each constant that a script stores: the error, its name, the sentence, the constant's name and text."""


def test_no_error_has_come_or_gone() -> None:
    named = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, HandoffError)}

    assert named == ERRORS


@pytest.mark.parametrize(
    "name", ["handoff.serializer.Serializer", "handoff.serializer.PickleSerializer", *sorted(ERRORS)]
)
def test_what_has_a_dotted_name_says_that_name_of_itself(name: str) -> None:
    dotted = name if "." in name else f"handoff.errors.{name}"

    found = import_function(dotted)

    assert isinstance(found, type)
    assert f"{found.__module__}.{found.__qualname__}" == dotted


def test_the_command_is_the_entry_point() -> None:
    (entry,) = entry_points(group="console_scripts", name="handoff")

    assert entry.value == "handoff.cli:main"
    assert entry.load() is main


def test_an_agent_is_started_as_a_module() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "handoff_worker", "--help"], check=True, stdout=subprocess.PIPE, text=True
    ).stdout

    assert "--name" in shown


def test_every_error_that_scripts_store_is_one_of_ours() -> None:
    names = [*files.operations(), *files.libraries()]
    stored = {name for file in names for name in re.findall(r"'handoff\.errors\.(\w+)'", files.source(file))}

    assert stored
    assert stored <= ERRORS


def test_every_constant_of_tracebacks_has_its_sentence() -> None:
    written = re.findall(r" = '([\w+/=]+)'", files.source("jobs/exc_string"))

    assert [text for *_, text in CONSTANTS] == written
    assert len(written) == len(set(written)) == 10


@pytest.mark.parametrize(("dotted", "name", "sentence", "constant", "text"), CONSTANTS)
def test_a_traceback_that_is_stored_ready_says_the_sentence_above_it(
    dotted: str, name: str, sentence: str, constant: str, text: str
) -> None:
    assert decode_traceback({b"exc_string": text.encode()}) == f"{dotted}: {sentence}"
    assert name in ERRORS
