"""When `scripts/chaos` says what is wrong: at once, and when it is stopped what is known by then."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import campaign.__main__ as chaos
from campaign.campaigns import Campaign, Tell, leave
from campaign.verdict import BOOKS, Verdict


class Faulty:
    """Campaigns that go wrong from the 3rd fault on, and are stopped after so many."""

    def __init__(self, stopped_after: int = 1000) -> None:
        self.runs = 0
        self._left = stopped_after

    def run(self, campaign: Campaign, tell: Tell, verdict: Verdict | None = None) -> Verdict:
        self.runs += 1
        verdict = Verdict(campaign.seed, campaign.seconds) if verdict is None else verdict
        count = 8 if campaign.first is None else campaign.first
        verdict.faults["kill child"] = count
        if count >= 3:
            verdict.note(BOOKS, "cpu 2 instead of 0")
            tell("books: cpu 2 instead of 0")
        if self.runs == self._left:
            signal.raise_signal(signal.SIGTERM)
        return verdict


def run(faulty: Faulty, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    monkeypatch.setattr(Campaign, "run", lambda self, tell, verdict=None: faulty.run(self, tell, verdict))
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        return CliRunner().invoke(chaos.main, [*arguments, "--json"])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_how_to_see_it_is_told_before_fewer_faults_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(Faulty(), monkeypatch)

    said = [line for line in result.stderr.splitlines() if "to see it" in line or "looking for" in line]
    assert result.exit_code == 1
    assert [line.split()[-1] for line in said] == ["8", "it", "3"]


def test_who_is_told_to_end_while_he_looks_for_fewer_has_told_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(Faulty(stopped_after=2), monkeypatch)

    (verdict,) = json.loads(result.stdout)
    assert result.exit_code == 128 + signal.SIGTERM
    assert verdict["wrong"] == [[BOOKS, "cpu 2 instead of 0"]]


def test_who_is_told_to_end_midway_tells_what_is_known_of_that_campaign_too(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(Faulty(stopped_after=1), monkeypatch, "--seed", "7", "--seed", "8")

    (verdict,) = json.loads(result.stdout)
    assert (verdict["seed"], verdict["books"], verdict["faults"]) == (7, 1, {"kill child": 8})


def test_what_is_wrong_is_told_with_the_folder_that_shows_it(tmp_path: Path) -> None:
    told: list[str] = []
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    for folder in (right, wrong):
        folder.mkdir()
    verdict = Verdict(1, 5)
    leave(right, verdict, told.append)
    verdict.note(BOOKS, "cpu 2 instead of 0")
    leave(wrong, verdict, told.append)

    assert told == ["books: cpu 2 instead of 0", f"see {wrong}"]
    assert (right.exists(), wrong.exists()) == (False, True)
