"""The demo's live picture, from data."""

from __future__ import annotations

import pytest

from handoff.demo.picture import Bar, Course, Picture
from support.drawn import NODES, drawn

WAITING = [("cpu 1, memory 300", 31), ("gpu 0.5", 2)]


def bars(text: str) -> list[str]:
    """The lines of resources, of two for each node and one for what runs there."""
    return [line for i, line in enumerate(text.splitlines()[:9]) if i % 3 != 2]


class TestBar:
    @pytest.mark.parametrize(
        ("part", "whole", "expected"),
        [
            (0, 4, "░░░░░░░░"),
            (2, 4, "████░░░░"),
            (4, 4, "████████"),
            (0.001, 4, "█░░░░░░░"),
            (3.999, 4, "███████░"),
            (9, 4, "████████"),
            (0, 0, "░░░░░░░░"),
            (1, 0, "████████"),
        ],
        ids=[
            "nothing",
            "half",
            "all",
            "any use shows",
            "only all looks whole",
            "too much",
            "nothing of none",
            "of none",
        ],
    )
    def test_its_filled_part_is_the_share(self, part: float, whole: float, expected: str) -> None:
        assert drawn(Bar(part, whole), width=8).splitlines() == [expected]

    def test_it_is_drawn_in_ascii_where_the_encoding_has_nothing_else(self) -> None:
        assert drawn(Bar(1, 2), width=8, encoding="ascii").splitlines() == ["####...."]


class TestPicture:
    def test_every_node_and_resource_has_a_bar_and_its_amounts(self) -> None:
        lines = bars(drawn(Picture(NODES, WAITING, 12, 40, "analyze", 74.2)))

        assert [line.split()[0] for line in lines[::2]] == ["small", "large", "gpus"]
        assert [line.split()[-3:] for line in lines] == [
            ["1", "of", "1"],
            ["300", "of", "1000"],
            ["0.5", "of", "2"],
            ["0", "of", "4000"],
            ["0", "of", "1"],
            ["1.5", "of", "2"],
        ]
        shares = [line.count("█") / (line.count("█") + line.count("░")) for line in lines]
        assert shares == pytest.approx([1.0, 0.3, 0.25, 0.0, 0.0, 0.75], abs=0.02)

    def test_bars_stand_below_each_other(self) -> None:
        lines = bars(drawn(Picture(NODES, WAITING, 12, 40)))

        spans = {tuple(at for at, sign in enumerate(line) if sign in "█░") for line in lines}
        assert len(spans) == 1

    def test_what_waits_is_counted_by_shape(self) -> None:
        text = drawn(Picture(NODES, WAITING, 12, 40))

        assert "  31 waiting for cpu 1, memory 300\n   2 waiting for gpu 0.5\n" in text

    def test_shapes_beyond_the_third_are_only_counted(self) -> None:
        waiting = [(f"cpu {number}", number) for number in range(1, 7)]

        text = drawn(Picture(NODES, waiting, 12, 40))

        assert "3 waiting for cpu 3\n  15 waiting for 3 other shapes\n" in text
        assert "cpu 4" not in text

    def test_it_says_that_nothing_waits(self) -> None:
        assert "nothing waits" in drawn(Picture(NODES, [], 40, 40))

    def test_what_others_are_to_come_before_is_counted_apart(self) -> None:
        picture = Picture(NODES, WAITING, 12, 40, deferred=7)

        assert "   2 waiting for gpu 0.5\n   7 deferred until others have ended\n" in drawn(picture)
        assert drawn(picture, terminal=False).splitlines()[-1] == "  deferred until others have ended: 7"

    def test_what_runs_stands_below_its_node(self) -> None:
        picture = Picture(NODES, WAITING, 12, 40, running={"small": ["analyze-1"], "gpus": ["sign-1", "sign-2"]})

        lines = [line.split() for line in drawn(picture).splitlines() if line.split()[:1] == ["runs"]]

        assert lines == [["runs", "analyze-1", "1"], ["runs", "nothing", "0"], ["runs", "sign-1,", "sign-2", "2"]]

    @pytest.mark.parametrize(
        ("ended_s", "whole", "expected"),
        [
            ([], 8, "        "),
            ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], 8, "▁▂▃▄▅▆▇█"),
            ([4.0, 4.0, 4.0, 4.0], 8, "   ▄▄▄▄▄"),
            ([1.0], 1000, "▁▁▁▁▁▁▁▁"),
            ([1.0] * 999, 1000, "▇▇▇▇▇▇▇▇"),
        ],
        ids=["nothing", "evenly", "all at once", "any shows", "only the whole looks whole"],
    )
    def test_how_far_it_was_is_drawn_from_the_start_until_now(
        self, ended_s: list[float], whole: int, expected: str
    ) -> None:
        assert drawn(Course(ended_s, whole, 8.0), width=8).rstrip("\n") == expected

    def test_the_line_above_the_last_has_the_course_and_the_rate(self) -> None:
        picture = Picture(NODES, WAITING, 2, 40, elapsed_s=10.0, ended_s=[0.0, 5.0])

        line = drawn(picture).splitlines()[-2]

        assert line.startswith("over time ▁")
        assert line.endswith("0.2 a second")

    def test_the_last_line_tells_how_far_it_is(self) -> None:
        last = drawn(Picture(NODES, WAITING, 10, 40, "analyze", 74.2)).splitlines()[-1]

        assert last.startswith("analyze   █")
        assert last.endswith("10 of 40  1:14")
        assert last.count("█") / (last.count("█") + last.count("░")) == pytest.approx(0.25, abs=0.02)

    def test_nothing_to_do_yet_is_drawn_as_nothing_done(self) -> None:
        assert "█" not in drawn(Picture({}, [], 0, 0))

    def test_three_nodes_of_four_resources_fit_into_24_lines_of_80(self) -> None:
        names = ("cpu", "memory", "gpu", "a_resource_with_a_rather_long_name")
        nodes = {
            f"node-{number}@a-rather-long-host.example.com": dict.fromkeys(names, (1, 10**11)) for number in range(3)
        }
        running = {node: [f"signatures-{number}" for number in range(100)] for node in nodes}
        waiting = [(", ".join(f"resource{number} {number}" for number in range(20)), 10_000)] * 9

        lines = drawn(Picture(nodes, waiting, 123_456, 1_234_567, "signatures", 36_000, 10_000, running)).splitlines()

        assert len(lines) < 24
        assert max(map(len, lines)) <= 80

    def test_names_that_look_like_markup_are_shown_as_they_are(self) -> None:
        text = drawn(Picture({"[red]": {"[b]": (1, 2)}}, [("[/]", 1)], 0, 1, "[i]"))

        assert all(name in text for name in ("[red]", "[b]", "[/]", "[i]"))

    def test_without_a_terminal_it_is_plain_lines(self) -> None:
        running = {"small": ["analyze-1", "analyze-4"]}

        text = drawn(Picture(NODES, WAITING, 12, 40, "analyze", 74.2, running=running), terminal=False)

        assert text.splitlines() == [
            "1:14 analyze: 12 of 40 done",
            "  small: cpu 1 of 1, memory 300 of 1000; runs analyze-1, analyze-4",
            "  large: cpu 0.5 of 2, memory 0 of 4000; runs nothing",
            "  gpus: cpu 0 of 1, gpu 1.5 of 2; runs nothing",
            "  waiting: 31 for cpu 1, memory 300; 2 for gpu 0.5",
        ]
