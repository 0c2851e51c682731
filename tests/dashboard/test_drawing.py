"""Pictures: graphs, lanes, bars."""

from __future__ import annotations

import re

import pytest
from markupsafe import Markup

from handoff.dashboard.drawing.bars import bars_of
from handoff.dashboard.drawing.colours import COUNT, Palette
from handoff.dashboard.drawing.lanes import MOST_LANES, stream
from handoff.dashboard.drawing.layers import MOST_DRAWN, draw, is_small, levels_of, summed
from handoff.dashboard.drawing.plots import node_map, rates_plot
from handoff.graph.vertex import Vertex
from handoff.view.held import Holder
from handoff.view.history import Second, Span
from handoff.why.use import Use


def vertex(id: str, *args: int, state: str = "finished", **options: object) -> Vertex:
    return Vertex(id, args, state, **options)  # type: ignore[arg-type]


DIAMOND = [vertex("a"), vertex("b", 0), vertex("c", 0), vertex("d", 1, 2, state="started", node="n")]


def test_each_stands_behind_all_whose_results_it_takes() -> None:
    assert levels_of([vertex("d", 1, 2), vertex("b", 3), vertex("c", 3), vertex("a")]) == [2, 1, 1, 0]


def test_a_chain_of_thousands_needs_no_deep_stack() -> None:
    assert levels_of([vertex(str(i), *([i - 1] if i else [])) for i in range(20_000)])[-1] == 19_999


def test_boxes_do_not_overlap_and_every_edge_is_drawn() -> None:
    drawn = str(draw(DIAMOND, {3: "/functions/d"}, {}))
    boxes = [tuple(map(float, found)) for found in re.findall(r'class="box" x="([\d.]+)" y="([\d.]+)"', drawn)]

    assert len(set(boxes)) == 4
    assert drawn.count('class="edge"') == 4
    assert '<a href="/functions/d" class="v-started">' in drawn
    assert "<title>d: started on n</title>" in drawn


def test_what_a_user_calls_a_function_is_no_markup() -> None:
    drawn = str(draw([vertex("<script>", state="failed")], {0: '"><script>'}, {}))

    assert "<script>" not in drawn


def test_a_graph_that_is_too_large_is_counted_by_level_and_name() -> None:
    many = [vertex(f"part-{i}") for i in range(MOST_DRAWN)] + [vertex("all", *range(MOST_DRAWN), state="deferred")]

    assert not is_small(many)
    assert [(level.number, level.name, level.total) for level in summed(many)] == [
        (1, "part-*", MOST_DRAWN),
        (2, "all", 1),
    ]


def span(number: int, start_ms: int, end_ms: int | None, outcome: str = "finished", name: str = "f") -> Span:
    return Span(f"{number}:1", "a", name, "", 1, start_ms, end_ms, outcome if end_ms else "")


def test_what_ran_at_once_stands_in_lanes_of_its_own_and_what_followed_in_the_same() -> None:
    spans = [span(1, 0, 10), span(2, 5, 15), span(3, 10, 20)]
    drawn = stream(spans, ["a"], 0, 20, Palette(), {})
    rows = re.findall(r'<rect class="k0" x="[\d.]+" y="(\d+)"', str(drawn.svg))

    assert len(rows) == 3
    assert len(set(rows)) == 2


def test_an_attempt_that_failed_has_a_cross() -> None:
    assert "cross" in str(stream([span(1, 0, 10, "failed")], ["a"], 0, 20, Palette(), {}).svg)
    assert "cross" not in str(stream([span(1, 0, 10)], ["a"], 0, 20, Palette(), {}).svg)


def test_thousands_of_attempts_are_a_few_paths() -> None:
    drawn = stream([span(i, i, i + 1) for i in range(3_000)], ["a"], 0, 3_000, Palette(), {})

    assert str(drawn.svg).count("<rect") == 1
    assert str(drawn.svg).count("<path") < 30


def test_more_than_so_many_at_once_are_said_to_be_left_out() -> None:
    spans = [span(i, 0, None) for i in range(MOST_LANES + 7)]

    assert stream(spans, ["a"], 0, 20, Palette(), {}).left_out == 7


@pytest.mark.parametrize("used", [0, 1, 2, 5])
def test_a_bar_stays_within_its_width_also_where_more_is_used_than_there_is(used: int) -> None:
    (bar,) = bars_of({"cpu": Use(used, 2, None)}, (), Palette())

    assert sum(float(part["width"]) for part in bar.segments) <= 100
    assert bar.text == f"{used} / 2"


def test_a_bar_shows_no_more_than_its_figure_says_where_somebody_has_come_meanwhile() -> None:
    came = [Holder(name, "a", "function", name, name, True, {"cpu": 1}, {}, 0) for name in ("first", "second")]
    (bar,) = bars_of({"cpu": Use(1, 2, None)}, came, Palette())
    (empty,) = bars_of({"cpu": Use(0, 2, None)}, came, Palette())

    assert [part["title"] for part in bar.segments] == ["cpu 1: first first"]
    assert empty.segments == []


def test_devices_stand_beside_each_other() -> None:
    (bar,) = bars_of({"gpu": Use(1.5, 2, {0: 1, 1: 0.5}, None, {0: 0, 1: 0.5})}, (), Palette())
    full, half = (part for part in bar.segments if part["class"].startswith("fill"))

    assert float(full["width"]) == pytest.approx(2 * float(half["width"]), rel=0.1)
    assert "device 0: taken, device 1: 0.5 of 1 free" in bar.label


def test_the_first_functions_never_share_a_colour_and_each_keeps_its_own() -> None:
    palette = Palette()
    first = [palette.colour(str(i)) for i in range(COUNT)]

    assert len(set(first)) == COUNT
    assert [palette.colour(str(i)) for i in range(COUNT)] == first


def test_a_map_of_a_thousand_nodes_is_small() -> None:
    drawn = node_map(["h1"] * 990 + ["hx"] * 10, "<nodes>")

    assert len(drawn) < 25_000
    assert "&lt;nodes&gt;" in drawn


def test_a_plot_of_nothing_is_drawn_too() -> None:
    drawn = rates_plot([Second(at_s) for at_s in range(300)])

    assert isinstance(drawn, Markup)
    assert "0 attempts ended" in drawn
