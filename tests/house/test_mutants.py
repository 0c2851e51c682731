"""The defects that `scripts/mutate` plants are of today's code and tests; to plant them takes too long for each run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from mutants.listed import MUTANTS
from mutants.mutant import Mutant
from support.each import of_each

ROOT = Path(__file__).resolve().parents[2]


@of_each("mutant", MUTANTS)
def test_a_defect_can_be_planted_at_exactly_one_place(mutant: Mutant) -> None:
    assert (ROOT / mutant.file).read_text(encoding="utf-8").count(mutant.old) == 1
    assert mutant.new != mutant.old


def test_every_defect_has_a_name_of_its_own() -> None:
    assert [id for id, count in Counter(mutant.id for mutant in MUTANTS).items() if count > 1] == []


def test_every_test_that_is_to_notice_a_defect_is_there() -> None:
    named = {test for mutant in MUTANTS for test in mutant.tests}
    files = sorted({test.partition("::")[0] for test in named})
    collected = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *files],
        cwd=ROOT,
        # As scripts/mutate has it: some names show sets.
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
    )
    assert collected.returncode == 0, collected.stdout

    there = set(collected.stdout.splitlines())
    there |= {name.partition("[")[0] for name in there}

    assert named - there == set()
