"""Bars compare Handoff with the best of its peers, each repeat with itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.peers import environments, measure
from benchmarks.peers.bars import bars
from benchmarks.peers.measures import MEASURES
from benchmarks.peers.repeat import Values
from benchmarks.peers.roster import HANDOFF, PEERS, SIMPLE_WORKER, Peer
from benchmarks.peers.surroundings import ALL, TWO

RATE, CPU = "finished_per_s", "submit_server_us"


def of(key: str, *values: float) -> list[Values]:
    return [{key: value} for value in values]


def test_the_fastest_queue_of_each_repeat_is_what_counts() -> None:
    rounds = {
        ("", HANDOFF): of(RATE, 600.0, 600.0),
        ("", "huey"): of(RATE, 300.0, 100.0),
        ("", "arq"): of(RATE, 50, 200),
    }

    (figure,) = bars(rounds, 10)

    assert figure.what == "finished / fastest queue"
    assert list(figure.values) == [2.0, 3.0]
    assert figure.passes
    assert "of huey, arq" in figure.note


def test_what_two_at_a_time_come_to_is_compared_with_rq_as_it_is() -> None:
    rounds = {
        (TWO.name, HANDOFF): of(RATE, 300.0),
        ("", HANDOFF): of(RATE, 500.0),
        ("", SIMPLE_WORKER): of(RATE, 100.0),
    }

    ratios = {figure.what: (figure.median, figure.passes) for figure in bars(rounds, 10)}

    assert ratios == {
        "finished / rq SimpleWorker": (5.0, False),
        "finished, two at a time / rq SimpleWorker": (3.0, False),
    }


@pytest.mark.parametrize(("ours", "passes"), [(99.0, True), (101.0, False)])
def test_cpu_is_to_be_at_most_so_many_times_as_much(ours: float, passes: bool) -> None:
    (figure,) = bars({("", HANDOFF): of(CPU, ours), ("", SIMPLE_WORKER): of(CPU, 50.0)}, 10)

    assert figure.passes is passes


def test_nothing_is_said_of_what_was_not_measured() -> None:
    assert list(bars({("", HANDOFF): of(RATE, 500.0)}, 10)) == []
    assert list(bars({("", SIMPLE_WORKER): of(RATE, 500.0)}, 10)) == []


def test_names_of_peers_and_of_measures_are_their_own() -> None:
    for names in ([peer.name for peer in PEERS], [each.key for each in MEASURES], [each.name for each in ALL]):
        assert len(names) == len(set(names))


@pytest.mark.slow
def test_a_peer_that_cannot_be_installed_is_named_with_what_pip_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments, "FOLDER", tmp_path)
    monkeypatch.setattr(measure, "PEERS", (Peer("gone", "bare", 1.0, (str(tmp_path / "gone-1.0-py3-none-any.whl"),)),))

    (figure,) = measure.measure(20, 1, lambda what: None, only=("gone",))

    assert (figure.part, figure.what, list(figure.values)) == ("peers, missing", "gone", [])
    assert "gone-1.0-py3-none-any.whl" in figure.note
