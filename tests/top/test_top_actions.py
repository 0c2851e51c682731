"""What is done from the terminal: it names what it is done to, is asked for once more, and only then done."""

from __future__ import annotations

import pytest

from handoff.client.cluster import Cluster
from handoff.client.noting import somebody
from handoff.ledger.nodes import read_nodes
from support.terminals import Shown
from top.conftest import Scene


def states(cluster: Cluster) -> list[str]:
    return [node.state for node in read_nodes(cluster.store)]


class TestDone:
    def test_a_node_is_drained_and_undrained(self, shown: Shown, cluster: Cluster) -> None:
        shown.press("d")
        shown.until("Drain the node a?")
        shown.press("y")
        shown.until("a takes no more", "nodes 1 draining")
        assert states(cluster) == ["draining"]

        shown.press("u")
        shown.until("Let the node a take functions again?")
        shown.press("y")

        shown.until("a takes functions again", "nodes 1 up")
        audits = [event for _, event in cluster.events() if event["event"] == "audit"]
        assert [(event["who"], event["what"], event["about"]) for event in audits] == [
            (somebody(), "drain", "a"),
            (somebody(), "undrain", "a"),
        ]

    def test_on_the_page_of_a_node_that_node_is_drained(self, shown: Shown, cluster: Cluster) -> None:
        shown.press("enter")
        shown.until("holds cpu 2")
        shown.press("d")
        shown.until("Drain the node a?")
        shown.press("y")

        shown.until("node a  draining")

    def test_a_function_is_canceled_where_it_is_chosen(self, shown: Shown, scene: Scene) -> None:
        shown.press("3", "down", "enter")
        shown.until("waiting-1, the first of these")
        shown.press("c")
        shown.until("Cancel the function waiting-1?")
        shown.press("y")

        shown.until("waiting-1 is canceled", "There are none any more.")
        assert scene.waiting.status == "canceled"

    def test_a_function_that_has_failed_is_retried(self, shown: Shown, scene: Scene) -> None:
        shown.press("5", "enter")
        shown.until("failed-1")
        shown.press("enter")
        shown.until("a traceback")
        shown.press("r")
        shown.until("Retry the function failed-1?")
        shown.press("y")

        shown.until("failed-1: ", "placed on a")
        assert scene.failed.status in ("queued", "waiting")
        scene.failed.cancel()


class TestNotDone:
    @pytest.mark.parametrize("key", ["n", "escape", "ctrl+c"])
    def test_whoever_says_no_has_nothing_done(self, shown: Shown, cluster: Cluster, key: str) -> None:
        shown.press("d")
        shown.until("Drain the node a?")
        shown.press(key)
        shown.read_again()
        shown.until("1 overview", "nodes 1 up")

        assert shown.app.is_running
        assert states(cluster) == ["up"]

    def test_enter_is_not_taken_for_a_yes(self, shown: Shown, cluster: Cluster) -> None:
        shown.press("d")
        shown.until("Drain the node a?")
        shown.press("enter", "d", "space")

        shown.until("Drain the node a?")
        assert states(cluster) == ["up"]

    @pytest.mark.parametrize(
        ("keys", "said"), [(["3", "d"], "node"), (["2", "c"], "function"), (["2", "r"], "function")]
    )
    def test_where_there_is_nothing_to_do_it_to_that_is_said(self, shown: Shown, keys: list[str], said: str) -> None:
        shown.press(*keys)

        shown.until(f"Choose a {said} first")

    def test_what_is_refused_is_told(self, shown: Shown) -> None:
        shown.press("4", "r")
        shown.until("Retry the function running-1?")
        shown.press("y")

        shown.until("has not ended")
