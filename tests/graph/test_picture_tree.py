"""A graph as lines of text: what is alike is one line, and nothing is left out."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from handoff.graph.tree import DEEPEST, tree
from handoff.graph.vertex import INLINE, Vertex
from support.fans import fan


class TestTree:
    def test_each_stands_below_the_last_that_it_takes_and_names_the_others(self) -> None:
        vertices = [
            Vertex("a", (), "finished", "n"),
            Vertex("b", (0,), "started", "n"),
            Vertex("c", (0,), INLINE),
            Vertex("d", (1, 2), "waiting", asks="cpu 2"),
            Vertex("e", (1, 1, 0, 3), "deferred"),
            Vertex("f", (), "queued", "m"),
        ]

        assert tree(vertices) == [
            "  a: finished on n",
            "*   b: started on n",
            "    c: inline",
            "      d: waiting for cpu 2, also takes b",
            "        e: deferred, also takes b, a",
            "  f: queued on m",
        ]

    def test_what_failed_says_how_often_and_why_in_one_short_line(self) -> None:
        error = {"type": "ValueError", "message": f"first line\nsecond \x1b[31m {'x' * 1000}"}

        once = tree([Vertex("a", (), "failed", "n", attempts=1, error={"type": "KeyError", "message": ""})])
        often = tree([Vertex("a", (), "failed", "n", attempts=4, error=error)])

        assert once == ["  a: failed on n after 1 attempt: KeyError"]
        assert often[0].startswith(r"  a: failed on n after 4 attempts: ValueError: first line second \x1b[31m xxx")
        assert often[0].endswith("x...")
        assert len(often[0]) < 150

    def test_of_many_that_failed_alike_the_first_says_why(self) -> None:
        error = {"type": "ValueError", "message": "boom"}
        vertices = [Vertex(f"f{i}", (), "failed", "n", attempts=4, error=error) for i in range(21)]

        assert tree(vertices) == [
            "  f0 ... f20: 21 alike, failed, the first on n after 4 attempts: ValueError: boom",
        ]

    def test_of_many_that_wait_those_that_can_never_start_are_a_line_of_their_own(self) -> None:
        busy = [Vertex(f"b{i}", (), "waiting", asks="cpu 1") for i in range(30)]
        same = [Vertex(f"s{i}", (), "waiting", asks="cpu 9: never", infeasible=True) for i in range(30)]
        other = [Vertex("t", (), "waiting", asks="cpu 8: never", infeasible=True)]

        assert tree([*busy, *same]) == [
            "  b0 ... b29: 30 alike, waiting for cpu 1",
            "  s0 ... s29: 30 alike, waiting for cpu 9: never",
        ]
        assert tree([*same, *other]) == [
            "  s0 ... t: 31 alike, waiting for what no live node could hold, even when idle"
        ]

    def test_what_is_delayed_says_until_when(self) -> None:
        vertices = [
            Vertex("a", (), "delayed", asks="until tomorrow"),
            Vertex("b", (), "delayed", asks="attempt 2 failed, next in 1.8 s"),
        ]

        assert tree(vertices) == ["  a: delayed: until tomorrow", "  b: delayed: attempt 2 failed, next in 1.8 s"]

    def test_no_functions_are_no_lines(self) -> None:
        assert tree([]) == []

    def test_twenty_alike_siblings_are_listed_and_twenty_one_are_one_line(self) -> None:
        # The last one is not like the others: the sink stands below it.
        assert len(tree(fan(21, lambda i: "deferred"))) == 23
        assert tree(fan(22, lambda i: "deferred")) == [
            "  source: finished on a",
            "    m0 ... m20: 21 alike, deferred",
            "    m21: deferred",
            "      sink: deferred, also takes m0, m1, m2, m3, m4, 16 more",
        ]

    def test_alike_ones_of_each_state_are_a_line_of_their_own_and_what_runs_is_counted_by_node(self) -> None:
        lines = tree(fan(10_000, lambda i: "finished" if i < 4_000 else "started" if i < 4_025 else "deferred"))

        assert lines[1:4] == [
            "    m0 ... m3999: 4,000 alike, finished",
            "*   m4000 ... m4024: 25 alike, started on a (25)",
            "    m4025 ... m9998: 5,974 alike, deferred",
        ]

    def test_branches_that_look_alike_are_one_line_with_what_is_below_each(self) -> None:
        vertices = [Vertex("source", (), "finished", "a")]
        for i in range(30):
            vertices += [Vertex(f"b{i}", (0,), "deferred"), Vertex(f"c{i}", (1 + 2 * i,), "deferred")]

        assert tree(vertices)[1:] == ["    b0 ... b29: 30 alike, deferred, each with 1 below it"]

    def test_a_long_chain_of_one_state_is_one_line(self) -> None:
        states = ["finished"] * 500 + ["started"] + ["deferred"] * 10_000
        vertices = [Vertex(f"c{i}", (i - 1,) if i else (), state, "a") for i, state in enumerate(states)]

        assert tree(vertices) == [
            "  c0 ... c499: 500 in a row, finished",
            "*   c500: started on a",
            "      c501 ... c10500: 10,000 in a row, deferred",
        ]

    def test_deep_levels_are_not_indented_without_end(self) -> None:
        states = ["finished", "deferred"]
        vertices = [Vertex(f"c{i}", (i - 1,) if i else (), states[i % 2]) for i in range(1_000)]

        assert max(map(len, tree(vertices))) < 2 * DEEPEST + 30

    @given(data=st.data(), count=st.integers(0, 120))
    def test_every_function_is_listed_or_counted_once(self, data: st.DataObject, count: int) -> None:
        few = st.integers(0, 3)
        vertices = [
            Vertex(
                f"f{i}",
                [i - 1 - data.draw(st.integers(0, min(i - 1, 40))) for _ in range(data.draw(few))] if i else (),
                data.draw(st.sampled_from(["deferred", "started"])),
                "a",
            )
            for i in range(count)
        ]

        total = 0
        for line in tree(vertices):
            alike = re.search(r": (\d+) alike, [^:]*?(?:each with (\d+) below it)?$", line)
            chain = re.search(r": (\d+) in a row, ", line)
            if alike:
                total += int(alike[1]) * (1 + int(alike[2] or 0))
            else:
                total += int(chain[1]) if chain else 1
        assert total == count
