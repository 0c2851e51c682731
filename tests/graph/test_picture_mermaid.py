"""A graph as text of Mermaid, whatever its functions are called."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.graph.mermaid import mermaid
from handoff.graph.vertex import INLINE, Vertex, shown
from support.fans import fan

ENTITY = re.compile(r"#(\d+);")

NODE_LINE = re.compile(r'    n\d+(?:\["([^"]*)"\]|\{\{"([^"]*)"\}\}):::(\w+)')


def unescaped(label: str) -> str:
    return ENTITY.sub(lambda match: chr(int(match.group(1))), label)


class TestMermaid:
    def test_a_graph_is_a_flowchart_with_a_class_per_state_and_edges_in_order(self) -> None:
        vertices = [
            Vertex("load", (), "finished", "a"),
            Vertex("half", (0,), INLINE),
            Vertex("train", (1, 0), "started", "gpu-1"),
        ]

        lines = mermaid(vertices).splitlines()

        assert lines[:7] == [
            "flowchart TD",
            '    n0["load"]:::finished',
            '    n1{{"half"}}:::inline',
            '    n2["train<br/>on gpu-1"]:::started',
            "    n0 --> n1",
            "    n1 --> n2",
            "    n0 --> n2",
        ]
        assert [line.split()[:2] for line in lines[7:]] == [
            ["classDef", "inline"],
            ["classDef", "started"],
            ["classDef", "finished"],
        ]

    def test_a_result_that_is_taken_twice_is_one_edge(self) -> None:
        text = mermaid([Vertex("a", (), "deferred"), Vertex("b", (0, 0), "deferred")])

        assert text.count("-->") == 1

    def test_no_functions_are_an_empty_flowchart(self) -> None:
        assert mermaid([]) == "flowchart TD\n"

    @pytest.mark.parametrize(
        ("id", "label"),
        [
            ("step_1.a-b/c", "step_1.a-b/c"),
            ('say "hi"', "say #34;hi#34;"),
            ("a\nb", "a#92;nb"),
            ("a#35;", "a#35;35#59;"),
            ("end", "end"),
            ("  ", "#39;  #39;"),
            ("\u200b", "#92;u200b"),
            ("größe 猫", "größe 猫"),
            ("<b>`x`", "#60;b#62;#96;x#96;"),
            ("1. one", "1#46; one"),
            ("- one", "#45; one"),
            ("__init__", "#95;#95;init#95;#95;"),
            ("%%{init}", "#37;#37;#123;init#125;"),
            ("\ud800", "#92;ud800"),
        ],
    )
    def test_what_mermaid_would_read_as_something_else_is_written_by_its_number(self, id: str, label: str) -> None:
        line = mermaid([Vertex(id, (), "deferred")]).splitlines()[1]

        assert line == f'    n0["{label}"]:::deferred'

    @given(ids=st.lists(st.text(max_size=20), max_size=5), inline=st.booleans())
    def test_any_ids_stay_in_their_labels(self, ids: list[str], inline: bool) -> None:
        vertices = [Vertex(id, tuple(range(i)), INLINE if inline else "waiting") for i, id in enumerate(ids)]

        # Only where the text itself says so does a line end.
        lines = mermaid(vertices).split("\n")[1 : len(ids) + 1]

        matches = [match for line in lines if (match := NODE_LINE.fullmatch(line))]
        assert [unescaped(match.group(1) or match.group(2)) for match in matches] == [shown(id) for id in ids]

    def test_a_large_graph_is_drawn_whole(self) -> None:
        text = mermaid(fan(10_000, lambda i: "deferred"))

        assert text.count(" --> ") == 20_000
        assert text.count("[") == 10_002
