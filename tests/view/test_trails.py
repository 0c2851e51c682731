"""What is known of nodes that take nothing, at each moment at which a function begins to wait."""

from __future__ import annotations

import pytest

from handoff.view.trails import MOST_SHUT, Trails


def shut_after(*changes: tuple[str, str]) -> dict[str, tuple[str, ...]]:
    """What is known of one that begins to wait after these changes of nodes."""
    trails = Trails()
    for node, change in changes:
        trails.add({"event": "node", "node": node, "change": change}, 1)
    trails.add({"event": "waiting", "job": "f", "demand": "cpu=10000"}, 2)
    [step] = trails.of("f")
    return dict(step.shut or {})


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        (["draining"], ("draining",)),
        (["draining", "undrained"], None),
        (["cordoned", "uncordoned"], None),
        (["cordoned", "draining", "undrained"], None),
        (["quiet", "serving"], None),
        (["draining", "lost"], ("draining", "lost")),
        (["draining", "lost", "registered"], ("draining",)),
        (["quiet", "registered"], None),
        (["draining", "draining"], ("draining",)),
        (["draining", "deregistered"], None),
        (["draining", "of-no-kind"], ("draining",)),
    ],
)
def test_a_node_takes_nothing_until_all_that_closes_it_has_ended(
    changes: list[str], left: tuple[str, ...] | None
) -> None:
    assert shut_after(*(("a", change) for change in changes)).get("a") == left


def test_what_closes_a_node_later_was_not_so_when_a_function_began_to_wait() -> None:
    trails = Trails()
    trails.add({"event": "waiting", "job": "f"}, 1)
    trails.add({"event": "node", "node": "a", "change": "draining"}, 2)

    assert trails.of("f")[0].shut == {}


def test_of_many_nodes_that_take_nothing_the_last_are_known() -> None:
    shut = shut_after(*((f"n{number}", "lost") for number in range(MOST_SHUT + 10)))

    assert list(shut) == [f"n{number}" for number in range(10, MOST_SHUT + 10)]
