"""What calls cost is compared with what they did cost: one command more is one too many."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.__main__ import main
from benchmarks.check import costs, limits, run
from benchmarks.check.limits import COMMANDS, CPU

OPERATION = "submit placed"


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where limits are kept meanwhile."""
    monkeypatch.setattr(limits, "FILE", tmp_path / "limits.json")
    return tmp_path / "limits.json"


@pytest.mark.parametrize(
    ("kind", "then", "now", "passes"),
    [
        (COMMANDS, 49.0, 49.0, True),
        (COMMANDS, 49.0, 50.0, False),
        (COMMANDS, 49.0, 36.0, True),
        (CPU, 3.0, 3.59, True),
        (CPU, 3.0, 3.61, False),
    ],
)
def test_commands_may_not_grow_and_cpu_only_by_what_a_machine_errs(
    kind: str, then: float, now: float, passes: bool, kept: Path
) -> None:
    limits.renew(kind, {OPERATION: [then]})

    (moved,) = limits.compare(kind, {OPERATION: [now]})

    assert moved.passes is passes


def test_it_is_told_by_how_much_an_operation_has_moved(kept: Path) -> None:
    limits.renew(COMMANDS, {OPERATION: [50.0]})

    notes = [
        moved.figure().note for now in (40.0, 50.0, 55.0) for moved in limits.compare(COMMANDS, {OPERATION: [now]})
    ]

    assert notes == ["-20.0% since the limit was set", "as it was", "+10.0% since the limit was set"]


def test_setting_one_kind_anew_leaves_the_other(kept: Path) -> None:
    limits.renew(CPU, {OPERATION: [3.0]})
    limits.renew(COMMANDS, {OPERATION: [50.0]})

    assert [moved.limit for moved in limits.compare(CPU, {OPERATION: [3.0]})] == [3.6]


def test_the_command_fails_and_names_the_operation_that_is_beyond_its_limit(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits.renew(COMMANDS, {OPERATION: [50.0]})
    monkeypatch.setattr(costs, "commands", lambda: {OPERATION: [51.0]})

    done = CliRunner().invoke(main, ["--check-commands"])

    assert done.exit_code == 1
    assert "submit placed takes 51 commands, and 50 is the limit" in done.stderr


def test_commands_of_a_call_are_counted_the_same_each_time() -> None:
    assert costs.commands() == costs.commands()


def test_cpu_of_every_operation_is_compared_with_the_floor(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "CALLS", 16)
    monkeypatch.setattr(run, "ROUNDS", 1)

    figures, beyond = run.check(lambda what: None, with_cpu=True, keep=False)

    assert {figure.part for figure in figures} == {COMMANDS, CPU}
    assert beyond == []
