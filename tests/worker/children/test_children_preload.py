"""What is to be loaded before any function runs: once for all, and called once more in each process."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from handoff_worker.children.nursery import Imports, NotLoaded
from handoff_worker.children.pool import Children
from support.children import TESTS, Start, run, task, value

SETTINGS = """
import os
calls = []
os.environ["SET_WHILE_IMPORTED"] = str(os.getpid())

def setup():
    calls.append(os.getpid())

class Deep:
    setup = staticmethod(setup)

def fail():
    raise RuntimeError("no settings")

def leave():
    raise SystemExit

def seen():
    return [os.environ.get("SET_WHILE_IMPORTED"), calls, os.getpid(), os.getppid()]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "early_settings.py").write_text(SETTINGS)
    (tmp_path / "early_broken.py").write_text("import missing_of_early")
    return tmp_path


def preloading(start: Start, folder: Path, *entries: str) -> Children:
    return start(imports=Imports([TESTS, str(folder)], entries))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the parent of a child may be another")
def test_it_is_imported_once_for_all_and_called_there_and_in_each_child(start: Start, folder: Path) -> None:
    children = preloading(start, folder, "early_settings:setup", "early_settings:Deep.setup")

    first, second = (value(outcome) for outcome in run(children, *(task("early_settings.seen", id=id) for id in "fg")))

    for variable, calls, child, nursery in (first, second):
        assert (variable, calls) == (str(nursery), [nursery, nursery, child, child])


def test_what_a_function_changes_of_it_is_put_back_to_what_it_was_loaded_as(start: Start, folder: Path) -> None:
    children = preloading(start, folder, "early_settings")

    value(run(children, task("os.environ.pop", "SET_WHILE_IMPORTED")))

    assert value(run(children, task("early_settings.seen")))[0] is not None


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("early_missing", "ModuleNotFoundError: No module named 'early_missing'"),
        ("early_broken", "ModuleNotFoundError: No module named 'missing_of_early'"),
        ("early_settings:nothing", "AttributeError: module 'early_settings' has no attribute 'nothing'"),
        ("early_settings:fail", "RuntimeError: no settings"),
        ("early_settings:leave", "SystemExit"),
    ],
)
def test_what_cannot_be_loaded_is_told_and_nothing_is_started(start: Start, folder: Path, entry: str, why: str) -> None:
    with pytest.raises(NotLoaded) as told:
        preloading(start, folder, entry)

    assert str(told.value) == f"{entry} cannot be preloaded ({why}): correct it, see --path, or leave out --preload"


def test_who_is_told_to_end_does_not_wait_for_what_is_loaded(start: Start, folder: Path) -> None:
    children = start(imports=Imports([str(folder)], ["early_settings"], lambda file: False))

    assert children.idle == 0
