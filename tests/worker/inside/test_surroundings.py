"""What a function changes in its process is put back before the next one runs there, or nobody runs there any more."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import child_damage
from handoff_worker.children.nursery import Imports
from handoff_worker.children.outcome import Finished
from handoff_worker.children.pool import Children
from support.children import TESTS, failure, run, task, value
from support.waiting import LIMIT_S


@pytest.fixture(scope="module")
def children(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Children]:
    folder = tmp_path_factory.mktemp("modules")
    (folder / "late.py").write_text("def function(): return 'late'\n")
    (folder / "sets_up.py").write_text(
        "import os, signal, sys, warnings\n"
        "os.environ['SET_UP'] = '1'\n"
        "os.environ['OMP_NUM_THREADS'] = '5'\n"
        "sys.path.append('/set/up')\n"
        "warnings.simplefilter('ignore')\n"
        "signal.signal(signal.SIGUSR2, lambda *_: None)\n"
        "def look():\n"
        "    return [os.environ.get('SET_UP'), os.environ.get('OMP_NUM_THREADS'), '/set/up' in sys.path,\n"
        "            warnings.filters[0][0], callable(signal.getsignal(signal.SIGUSR2))]\n"
        "def narrow_path():\n"
        "    sys.path.clear()\n"
    )
    (folder / "narrows.py").write_text("import sys\nsys.path[:] = ['/narrow']\ndef function(): return 'narrow'\n")
    children = Children(idle_limit=2, imports=Imports([TESTS, str(folder)]), grace_s=LIMIT_S)
    yield children
    children.close()


@pytest.mark.parametrize("name", child_damage.DAMAGES)
def test_what_a_function_changes_ends_with_it(children: Children, name: str) -> None:
    environment = {"OMP_NUM_THREADS": "2"}
    before = value(run(children, task("child_damage.look", environment=environment)))

    assert isinstance(run(children, task("child_damage.damage", name, environment=environment)), Finished)

    assert value(run(children, task("child_damage.look", environment=environment))) == before
    assert value(run(children, task("late.function"))) == "late"


@pytest.mark.parametrize(
    "name",
    ["lower_limit_for_good", "remove_modules", "swap_modules", "exchange_modules", "close_output", "leak_descriptors"],
)
def test_a_child_that_cannot_be_put_right_is_not_used_again(children: Children, name: str) -> None:
    before = value(run(children, task("pid")))

    assert isinstance(run(children, task(f"child_damage.{name}")), Finished)

    assert value(run(children, task("pid"))) != before


def test_a_child_that_has_imported_a_module_anew_is_used_again(children: Children) -> None:
    before = value(run(children, task("pid")))

    assert isinstance(run(children, task("child_damage.reload_module")), Finished)

    assert value(run(children, task("pid"))) == before


def test_fifty_functions_after_one_that_narrows_the_path_find_their_modules(children: Children) -> None:
    run(children, task("child_damage.damage", "narrow_path"))

    assert [value(run(children, task("late.function"))) for _ in range(50)] == ["late"] * 50


def test_modules_that_only_one_function_could_find_are_not_found_by_the_next(
    children: Children, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "found_here.py").touch()

    found = [value(run(children, task("child_damage.import_from", str(tmp_path / name)))) for name in ("one", "two")]

    assert found == [str(tmp_path / name / "found_here.py") for name in ("one", "two")]


def test_what_importing_a_module_changes_stays_but_for_what_is_set_for_each_function(children: Children) -> None:
    environment = {"OMP_NUM_THREADS": "2"}
    run(children, task("sets_up.narrow_path", environment=environment))

    assert value(run(children, task("sets_up.look", environment=environment))) == ["1", "2", True, "ignore", True]


def test_a_module_that_narrows_the_path_while_it_is_imported_harms_no_other(children: Children) -> None:
    assert value(run(children, task("narrows.function"))) == "narrow"

    assert value(run(children, task("late.function"))) == "late"


# An import that failed.


def test_what_cannot_be_imported_in_a_used_child_is_tried_in_a_new_one(children: Children) -> None:
    blocked = value(run(children, task("child_damage.block_import", "late")))

    assert value(run(children, task("late.function"))) == "late"
    assert value(run(children, task("pid"))) != blocked


@pytest.mark.parametrize(
    ("name", "hash"),
    [
        ("nothing", {"success_callback_name": "late.function"}),
        ("late.function", {}),
    ],
    ids=["callback", "function"],
)
def test_whatever_is_to_be_imported_before_a_function_runs_is_tried_in_a_new_child(
    children: Children, name: str, hash: dict[str, str]
) -> None:
    run(children, task("child_damage.block_import", "late"))

    outcome = run(children, task(name, hash=hash))

    # A function without parameters is no callback; but it was found.
    assert isinstance(outcome, Finished) or failure(outcome).exception_type == "TypeError"


def test_what_cannot_be_imported_in_a_new_child_either_has_failed(children: Children) -> None:
    run(children, task("nothing"))

    failed = failure(run(children, task("no_such_module.function")))

    assert (failed.exception_type, failed.retryable) == ("ModuleNotFoundError", False)
    assert not children.running


def test_a_function_that_fails_to_import_after_it_has_begun_does_not_begin_again(
    children: Children, tmp_path: Path
) -> None:
    run(children, task("nothing"))

    failed = failure(run(children, task("child_damage.fail_after_writing", str(tmp_path / "told"))))

    assert failed.exception_type == "ModuleNotFoundError"
    assert (tmp_path / "told").read_text() == "ran\n"


def test_of_a_function_that_returns_in_two_processes_one_answers(children: Children) -> None:
    forked = value(run(children, task("child_damage.fork_and_return")))

    assert forked != 0
    assert value(run(children, task("pid"))) not in (forked, os.getpid())
