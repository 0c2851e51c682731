"""The command line of scripts/mutate: plants one defect after the other in a copy, where some test is to notice it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import SimpleQueue

import click
from rich.console import Console
from rich.progress import track

from mutants.listed import MUTANTS
from mutants.mutant import Mutant

PROJECT = Path(__file__).resolve().parents[2]

LIMIT_S = 600
"""A defect that makes the tests hang for so long is noticed too."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one defect."""

    id: str
    what: str
    verdict: str  #: noticed, hung, survived
    by: str  #: the first test that failed


class Stale(Exception):
    """A mutant whose text is not in its file exactly once: the list is to be brought up to date."""


@click.command(name="scripts/mutate", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("ids", nargs=-1)
@click.option("--list", "only_list", is_flag=True, help="List the defects and stop.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--processes", type=click.IntRange(1), default=os.cpu_count() or 1, show_default=True)
def main(ids: tuple[str, ...], only_list: bool, as_json: bool, processes: int) -> None:
    """Plant defects (those called IDS, or whose ids begin so; default: all), one at a time.

    Exits with 1 where one survives the tests that are to notice it. Nothing here is changed: all happens in copies.
    """
    chosen = [mutant for mutant in MUTANTS if not ids or mutant.id.startswith(ids)]
    if not chosen:
        raise click.UsageError(f"no defect is called {' or '.join(ids)}; see --list")
    if only_list:
        for mutant in chosen:
            click.echo(f"{mutant.id:32} {mutant.what}")
        return
    console = Console(stderr=True)
    copies: SimpleQueue[Path] = SimpleQueue()
    with tempfile.TemporaryDirectory(prefix="handoff-mutants-") as folder, ThreadPoolExecutor(processes) as pool:
        for number in range(processes):
            copies.put(copy(Path(folder) / str(number)))
        console.print("without any defect ...")
        if failed := run(Path(folder) / "0", sorted({test for mutant in chosen for test in mutant.tests})):
            sys.exit(f"the tests are to pass before anything is broken, and do not: {failed}")
        judged = pool.map(lambda mutant: judge(mutant, copies), chosen)
        outcomes: list[Outcome] = []
        for outcome in track(judged, "defects", total=len(chosen), console=console):
            outcomes.append(outcome)
            if not as_json:
                click.echo(f"{outcome.verdict:9} {outcome.id:32} {outcome.by or outcome.what}")
    survivors = [outcome for outcome in outcomes if outcome.verdict == "survived"]
    if as_json:
        click.echo(json.dumps([asdict(outcome) for outcome in outcomes], indent=2))
    else:
        click.echo(f"{len(outcomes) - len(survivors)} of {len(outcomes)} were noticed")
    sys.exit(1 if survivors else 0)


def copy(to: Path) -> Path:
    """The project as it stands, without what is only made from it."""
    made = shutil.ignore_patterns(".venv", ".git", "__pycache__", ".*_cache", ".hypothesis")
    shutil.copytree(PROJECT, to, ignore=made)
    return to


def judge(mutant: Mutant, copies: SimpleQueue[Path]) -> Outcome:
    """Plant one defect in a copy that is free."""
    folder = copies.get()
    try:
        with planted(mutant, folder):
            failed = run(folder, mutant.tests)
    finally:
        copies.put(folder)
    verdict = {"": "survived", "hung": "hung"}.get(failed, "noticed")
    return Outcome(mutant.id, mutant.what, verdict, failed if verdict == "noticed" else "")


@contextmanager
def planted(mutant: Mutant, folder: Path) -> Iterator[None]:
    """Change the file, and change it back."""
    file = folder / mutant.file
    text = file.read_text(encoding="utf-8")
    if text.count(mutant.old) != 1:
        raise Stale(f"{mutant.id}: {mutant.file} has its text {text.count(mutant.old)} times")
    file.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
    try:
        yield
    finally:
        file.write_text(text, encoding="utf-8")


def run(folder: Path, tests: Sequence[str]) -> str:
    """-> the first test that fails, `hung` where they do not end, '' where all pass"""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "-p", "no:cacheprovider", *tests]
    path = os.pathsep.join(str(folder / part) for part in (".", "workers", "tests"))
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return "hung"
    if process.returncode == 0:
        return ""
    failed = [line for line in said.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return failed[0].partition(" ")[2] if failed else said[-500:]


main()
