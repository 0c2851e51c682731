"""What is measured beside peers runs at a tiny size, for those that need nothing that is not here."""

from __future__ import annotations

import math

import pytest

from benchmarks.figures import Figure, Where, to_json, to_markdown
from benchmarks.peers.measures import MEASURES
from benchmarks.peers.repeat import repeat
from benchmarks.peers.roster import BARE, FLOOR, HANDOFF, PEERS
from benchmarks.peers.surroundings import PLAIN

FEW = 24


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "measured"),
    [
        (HANDOFF, {"submit_server_us", "submit_per_s", "finished_per_s", "round_trip_p50_ms", "idle_memory_mb"}),
        (BARE, {"submit_per_s", "many_per_s", "threads_per_s", "finished_per_s", "worker_us"}),
        (FLOOR, {"submit_server_us", "function_server_us"}),
    ],
)
def test_a_repeat_has_a_figure_of_each_thing_that_the_system_can_do(name: str, measured: set[str]) -> None:
    (peer,) = [peer for peer in PEERS if peer.name == name]

    values = repeat(peer, PLAIN, FEW)

    assert measured <= values.keys() <= {measure.key for measure in MEASURES}
    assert all(math.isfinite(value) and value >= 0 for value in values.values())


def test_what_could_not_be_measured_stands_in_both_tables_with_the_reason() -> None:
    figures = [
        Figure("peers", "round trip: ours", (1.0, 3.0), "ms", 10),
        Figure("missing", "ray", (), "", 0, "no wheel"),
    ]

    where = Where({"cores": "2"}, {"ours": "1.0"})

    assert "* ours: 1.0\n" in to_markdown(where, figures)
    assert "| missing | ray | - |  | - | - | 0 x 0 | no wheel |" in to_markdown(where, figures)
    assert '"median": null' in to_json(where, figures)
