"""The page of states is what the table of moves renders."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from handoff.ledger.states import BY_RQ, MOVES

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/states.md").read_text(encoding="utf-8")


def test_the_page_is_what_the_table_renders() -> None:
    script = [sys.executable, str(ROOT / "scripts/states_page.py")]

    rendered = subprocess.run(script, check=True, capture_output=True, text=True).stdout

    assert rendered == PAGE


def test_the_page_has_a_row_and_an_arrow_for_each_move() -> None:
    for move in MOVES:
        assert f"{move.before or '[*]'} --> {move.after}" in PAGE
    for move in MOVES + BY_RQ:
        assert f"| {move.before or '(new)'} | {move.after} | {move.cause} |" in PAGE
