"""What is shown: of nodes, of what waits, of what takes long, of what failed, and of one of each."""

from __future__ import annotations

import pytest

from handoff.client.cluster import Cluster
from handoff.ledger.functions import discard
from support.agent import FakeAgent
from support.terminals import Shown
from support.waiting import wait_until
from top.conftest import Scene

PAGES = {
    "overview": ["1"],
    "nodes": ["2"],
    "waiting": ["3"],
    "slowest": ["4"],
    "failures": ["5"],
    "a node": ["2", "enter"],
    "a shape": ["3", "enter"],
    "a function": ["4", "enter"],
    "failures of a kind": ["5", "enter"],
    "help": ["question_mark"],
    "a question": ["2", "d"],
}


def line_with(shown: Shown, text: str) -> str:
    """The line that has this."""
    return next(line for line in shown.lines if text in line)


@pytest.mark.slow
@pytest.mark.usefixtures("scene")
@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=str)
def test_every_line_of_every_page_is_as_wide_as_the_terminal(cluster: Cluster, size: tuple[int, int]) -> None:
    with Shown(cluster, size) as shown:
        shown.until("running 1")
        for keys in PAGES.values():
            shown.press(*keys)
            assert len(shown.lines) == size[1]
            # What is cut says so: nothing but a bar of a scroll, or blanks, stands at the edge.
            assert {line[-1] for line in shown.lines} <= set(" ─…/▁▂▃▄▅▆▇█")
            shown.press("escape")


@pytest.mark.slow
@pytest.mark.usefixtures("scene")
def test_a_terminal_that_is_too_small_breaks_no_page(cluster: Cluster) -> None:
    with Shown(cluster, (20, 6)) as shown:
        shown.until("UTC")
        for keys in PAGES.values():
            shown.press(*keys, "escape")
        shown.resize(80, 24)

        shown.until("handoff top", "running 1")


@pytest.mark.slow
def test_what_somebody_has_written_reaches_no_terminal_as_an_escape(shown: Shown) -> None:
    for keys in PAGES.values():
        shown.press(*keys)
        assert "\x1b" not in shown.text
        shown.press("escape")


class TestOverview:
    def test_it_says_whose_namespace_and_what_stands_where(self, shown: Shown, cluster: Cluster) -> None:
        assert f"handoff top  {cluster.namespace} at " in shown.lines[0]
        assert "nodes 1 up  infeasible 1  waiting 2  for " in shown.lines[1]
        assert "running 1  failed 1" in shown.lines[1]

    def test_a_node_has_a_bar_for_each_resource_and_a_mark_for_each_device(self, shown: Shown) -> None:
        assert line_with(shown, "a     up").split() == ["a", "up", "1", "0", "██████", "2/2", "█·", "1/2"]

    def test_what_no_node_could_hold_comes_first_though_it_came_last(self, shown: Shown) -> None:
        text = shown.text

        assert text.index("infeasible      1") < text.index("waiting         1")

    def test_a_terminal_with_many_lines_has_more_lists(self, cluster: Cluster, scene: Scene) -> None:
        with Shown(cluster, (120, 40)) as shown:
            shown.until("running-1", "Torn")
            shown.resize(120, 24)

            wait_until(lambda: "Torn" not in shown.text, "there are fewer lists")

    def test_an_empty_namespace_says_what_to_do(self, cluster: Cluster) -> None:
        with Shown(cluster) as shown:
            shown.until("No node is registered: start one with `handoff node`.", "Nothing waits for room.")


class TestLists:
    def test_the_chosen_shape_says_why_its_first_waits_and_what_would_help(self, shown: Shown) -> None:
        shown.press("3")

        shown.until("infeasible-1, the first of these, waits for gpu 8: no live node could hold it")
        shown.until("would start now on a with gpu 1")

    def test_a_wide_terminal_has_a_column_for_what_would_help(self, cluster: Cluster, scene: Scene) -> None:
        with Shown(cluster, (120, 24)) as shown:
            shown.until("would help")

            assert "would start now on a with gpu 1" in line_with(shown, "infeasible      1")

    def test_the_slowest_are_those_that_run_and_those_that_have_ended(self, shown: Shown) -> None:
        shown.press("4")

        assert "running-1" in line_with(shown, "started  ")
        assert "failed-1" in line_with(shown, "films.fail")

    def test_failures_are_grouped_by_what_they_failed_with(self, shown: Shown) -> None:
        shown.press("5")

        assert line_with(shown, "Torn").split()[-5:] == ["films.fail", "a", "reel", "7", "[31mred"]

    def test_the_row_that_is_chosen_stays_chosen_while_others_come(self, shown: Shown, cluster: Cluster) -> None:
        shown.press("3", "down")
        shown.until("waiting-1, the first")
        other = cluster.enqueue("films:convert", job_id="other-1", cost={"gpu": 9})
        shown.read_again()
        shown.until("waiting 3")

        shown.until("waiting-1, the first")
        other.cancel()

    @pytest.mark.parametrize(
        ("keys", "chosen"),
        [
            (["end"], "waiting-1"), (["G", "home"], "infeasible-1"), (["j"], "waiting-1"), (["pagedown"], "waiting-1"),
            (["j", "k"], "infeasible-1"), (["end", "pageup"], "infeasible-1"), (["up"], "infeasible-1"),
        ],
    )  # fmt: skip
    def test_keys_choose_a_row(self, shown: Shown, keys: list[str], chosen: str) -> None:
        shown.press("3", *keys)

        shown.until(f"{chosen}, the first of these")

    def test_tab_goes_to_the_next_list(self, shown: Shown) -> None:
        shown.press("tab")

        shown.until("infeasible-1, the first of these")


@pytest.mark.slow
class TestFilter:
    def test_only_rows_that_have_the_text_are_left(self, shown: Shown) -> None:
        shown.press("3", "slash", *"CPU", "enter")

        shown.until("waiting-1, the first of these", "leaves 1 out")
        assert "infeasible   " not in shown.text

    def test_escape_drops_it_and_stays_on_the_page(self, shown: Shown) -> None:
        shown.press("3", "slash", *"nothing has this", "enter")
        shown.until("None of 2 has 'nothing has this' in it.")

        shown.press("escape")

        shown.until("infeasible-1, the first of these")

    def test_keys_are_letters_while_it_is_asked_for(self, shown: Shown) -> None:
        shown.press("slash", *"qdc")

        shown.until("/ qdc")
        assert shown.app.is_running


@pytest.mark.slow
class TestOne:
    def test_a_node_has_its_devices_and_who_holds_them(self, shown: Shown) -> None:
        shown.press("2", "enter")
        shown.until("films.convert running-1")

        assert "node a  up" in shown.lines[3]
        assert line_with(shown, "  0  ").split()[-2:] == ["films.convert", "running-1"]
        shown.until("running-1 holds cpu 2, gpu 1: gpu 0")

    def test_from_a_node_one_comes_to_what_runs_there_and_back(self, shown: Shown) -> None:
        shown.press("2", "enter")
        shown.until("holds cpu 2")
        shown.press("enter")
        shown.until("runs on a, gpu 0", "attempt    1 of 1", "started    20")

        shown.press("escape", "escape")

        assert "1 overview" in shown.lines[3]

    def test_a_shape_has_its_functions(self, shown: Shown) -> None:
        shown.press("3", "down", "enter")
        shown.until("what waits for cpu 2", "waiting-1, the first of these")
        shown.press("enter")

        shown.until("waits for cpu 2: a, the only live node", "waits since")

    def test_of_a_function_that_failed_the_error_and_its_traceback_are_told(self, shown: Shown) -> None:
        shown.press("5", "enter")
        shown.until("failed-1")
        shown.press("enter")

        shown.until("failed on a after 1 attempt with films.Torn", "films.Torn: reel 7", "a traceback")

    def test_of_a_function_the_last_that_it_has_printed_is_seen(self, cluster: Cluster) -> None:
        agent = FakeAgent(cluster.store, "a", {"cpu": 1}).register()
        handle = cluster.enqueue("films:convert", job_id="loud")
        (started,) = agent.take()
        printed = "".join(f"frame {number}\n" for number in range(100)).encode()
        agent.tell((started.id, "output", len(printed), printed), (started.id, "progress", 0.5, "half of it"))
        with Shown(cluster) as shown:
            shown.until("running 1")
            shown.press("4", "enter")

            shown.until("frame 99", "██████████·········· 50% half of it")
        handle.cancel()

    def test_of_a_function_that_is_gone_that_is_said(self, shown: Shown, cluster: Cluster) -> None:
        shown.press("5", "enter")
        shown.until("failed-1")
        discard(cluster.store, ["failed-1"])
        shown.press("enter")

        shown.until("no function 'failed-1' is known")


def test_the_keys_are_told(shown: Shown) -> None:
    shown.press("question_mark")
    shown.until("drain the node, undrain it")
    shown.press("escape")

    wait_until(lambda: "drain the node, undrain it" not in shown.text, "the keys are gone")


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
def test_it_is_quit(shown: Shown, key: str) -> None:
    shown.press(key)

    shown.until_it_ends()
