"""The demo's highest use and report, from data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pytest

from handoff.demo.analysis import Analysis, ComplexFunction, Module, Signatures, Unparsable, Where
from handoff.demo.likeness import Pair
from handoff.demo.peaks import peaks
from handoff.demo.render import render
from handoff.demo.report import Family, Ran, Report, families, summarize, to_json
from support.drawn import NODES, drawn

NOTHING_HELD: Mapping[str, Mapping[str, float]] = {"small": {"cpu": 0}, "gpus": {}}
NOWHERE = Where(node=None, cuda_visible_devices=None, cpu_s=0.0)


def event(kind: str, node: str, cost: str) -> dict[str, str]:
    return {"event": kind, "node": node, "cost": cost}


class TestPeaks:
    def test_the_highest_use_is_that_of_one_moment_and_not_the_sum(self) -> None:
        events = [
            event("reserved", "a", "cpu=20000,slots=10000"),
            event("reserved", "a", "cpu=10000,slots=10000"),
            event("released", "a", "cpu=20000,slots=10000"),
            event("reserved", "a", "cpu=15000,slots=10000"),
        ]

        assert peaks(events, {"a": {"cpu": 4, "slots": 3}}) == {"a": {"cpu": (3, 4), "slots": (2, 3)}}

    def test_a_share_is_exact(self) -> None:
        events = [event("reserved", "a", "gpu=1000")] * 3

        assert peaks(events, {"a": {"gpu": 1}}) == {"a": {"gpu": (0.3, 1)}}

    def test_nodes_are_counted_apart(self) -> None:
        events = [event("reserved", "a", "cpu=10000"), event("reserved", "b", "cpu=20000")]

        assert peaks(events, {"a": {"cpu": 2}, "b": {"cpu": 2}}) == {"a": {"cpu": (1, 2)}, "b": {"cpu": (2, 2)}}

    def test_what_was_never_used_has_a_highest_use_of_zero(self) -> None:
        assert peaks([], {"a": {"cpu": 2}}) == {"a": {"cpu": (0, 2)}}

    def test_other_events_change_nothing_and_need_no_cost(self) -> None:
        assert peaks([{"event": "joined", "node": "a"}], {"a": {"cpu": 2}}) == {"a": {"cpu": (0, 2)}}

    def test_a_cost_of_nothing_changes_nothing(self) -> None:
        assert peaks([event("reserved", "a", "")], {"a": {"cpu": 2}}) == {"a": {"cpu": (0, 2)}}

    def test_use_of_what_a_node_was_not_said_to_have_shows_as_above_capacity(self) -> None:
        assert peaks([event("reserved", "b", "fpga=10000")], {}) == {"b": {"fpga": (1, 0)}}

    def test_slots_without_a_limit_are_left_out(self) -> None:
        events = [event("reserved", "a", "cpu=10000,slots=10000")]

        assert peaks(events, {"a": {"cpu": 2}}) == {"a": {"cpu": (1, 2)}}

    def test_a_stream_without_its_beginning_is_refused(self) -> None:
        with pytest.raises(ValueError, match="cpu of node 'a' is released before it is reserved"):
            peaks([event("released", "a", "cpu=10000")], {"a": {"cpu": 2}})


def pairs(*alike: tuple[float, str, str]) -> list[Pair]:
    return [Pair(similarity=similarity, left=left, right=right) for similarity, left, right in alike]


class TestFamilies:
    def test_pairs_that_share_a_module_are_one_family_named_by_its_most_alike(self) -> None:
        found = families(pairs((0.5, "a", "b"), (0.9, "c", "d"), (0.6, "b", "c"), (0.7, "x", "y")))

        assert found == [Family(0.9, "c", "d", ("a", "b", "c", "d")), Family(0.7, "x", "y", ("x", "y"))]

    def test_among_equals_the_larger_family_comes_first(self) -> None:
        found = families(pairs((1.0, "a", "b"), (1.0, "x", "y"), (1.0, "y", "z")))

        assert [family.left for family in found] == ["x", "a"]

    def test_no_pairs_are_no_families(self) -> None:
        assert families([]) == []


def an_analysis(names: Sequence[str], broken: Sequence[str] = ()) -> Analysis:
    return Analysis(
        modules=[
            Module(path=name, lines=100, code_lines=70, functions=4, classes=1, complexity=10, fingerprints=b"")
            for name in names
        ],
        complex=[
            ComplexFunction(complexity=len(name), name="C.[method]", path=name, line=number)
            for number, name in enumerate(names)
        ],
        unparsable=[Unparsable(path=name, error="line 1: invalid syntax") for name in broken],
        where=NOWHERE,
    )


def a_report(held: Mapping[str, Mapping[str, float]] = NOTHING_HELD) -> Report:
    return summarize(
        "/src",
        [an_analysis(["/src/a.py", "/src/p/longer.py"], ["/src/z.py"]), an_analysis(["/src/b.py"], ["/src/broken.py"])],
        [Signatures(signatures=[], left_out=1, where=NOWHERE), Signatures(signatures=[], left_out=2, where=NOWHERE)],
        pairs((0.82, "/src/a.py", "/src/b.py"), (0.5, "/src/b.py", "/src/p/longer.py")),
        ran=[
            Ran("analyze-0", "analyze", "small", False, None, 1.25),
            Ran("analyze-1", "analyze", "small", False, None, 1.5),
            Ran("signatures-0", "signatures", "gpus", True, "0", 0.5),
            Ran("signatures-1", "signatures", "gpus", True, "1", 0.5),
            Ran("signatures-2", "signatures", "gpus", True, "0", 0.5),
        ],
        peaks=NODES,
        held=held,
        elapsed_s=59.94,
    )


def words(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


class TestReport:
    def test_totals_are_sums_over_all_batches(self) -> None:
        text = drawn(render(a_report()), width=200)

        assert (
            "/src: 3 files, 300 lines (210 of code), 12 functions of mean complexity 2.5 and 3 classes, in 59.9 s"
            in text
        )

    def test_the_most_complex_functions_of_all_batches_come_worst_first_with_their_place(self) -> None:
        shown = words(drawn(render(a_report())))

        start = shown.index(["16", "C.[method]", "p/longer.py:1"])
        assert shown[start + 1 : start + 3] == [["9", "C.[method]", "a.py:0"], ["9", "C.[method]", "b.py:0"]]

    def test_modules_that_hang_together_take_one_line(self) -> None:
        shown = words(drawn(render(a_report())))

        assert ["82%", "a.py", "b.py", "+1"] in shown
        assert not any(line[:1] == ["50%"] for line in shown)

    def test_files_that_do_not_parse_are_named_in_order(self) -> None:
        text = drawn(render(a_report()))

        assert "2 files do not parse\n  broken.py: line 1: invalid syntax\n  z.py: line 1: invalid syntax\n" in text

    def test_it_says_how_many_functions_of_which_step_each_node_ran(self) -> None:
        shown = words(drawn(render(a_report())))

        assert ["small", "analyze", "2", "2.8"] in shown
        assert ["gpus", "signatures", "3", "1.5"] in shown

    def test_it_shows_the_devices_that_each_gpu_function_saw(self) -> None:
        shown = words(drawn(render(a_report())))

        assert ["gpus", "0", "signatures-0,", "signatures-2"] in shown
        assert ["gpus", "1", "signatures-1"] in shown

    def test_it_shows_the_highest_use_of_every_resource(self) -> None:
        text = drawn(render(a_report())).split("Highest use, from the event stream\n")[1]

        assert [line[-3:] for line in words(text)[2:4]] == [["0.5", "of", "2"], ["0", "of", "4000"]]

    def test_it_ends_by_saying_that_nothing_is_held(self) -> None:
        assert drawn(render(a_report())).endswith("Nothing is held: every reservation was given back.\n")

    def test_it_names_what_is_still_held(self) -> None:
        report = a_report(held={"small": {"cpu": 0.5, "memory": 0}, "gpus": {"gpu": 1}})

        assert drawn(render(report)).endswith("Still held: small: cpu 0.5; gpus: gpu 1\n")

    def test_nothing_is_wider_than_80_columns(self) -> None:
        assert max(map(len, drawn(render(a_report())).splitlines())) <= 80

    def test_a_report_on_nothing_is_drawn(self) -> None:
        empty = summarize("/src", [], [], [], ran=[], peaks={}, held={}, elapsed_s=0)

        assert "0 files" in drawn(render(empty))

    def test_a_single_file_is_called_by_its_name(self) -> None:
        report = summarize("/src/a.py", [an_analysis(["/src/a.py"])], [], [], ran=[], peaks={}, held={}, elapsed_s=0)

        assert report.complex[0]["path"] == "a.py"

    def test_json_carries_all_of_it(self) -> None:
        said = json.loads(json.dumps(to_json(a_report(held={"small": {"cpu": 1}}))))

        assert said["totals"] == {
            "files": 3,
            "lines": 300,
            "code_lines": 210,
            "functions": 12,
            "classes": 3,
            "complexity": 30,
        }
        assert said["complex"][0] == {"complexity": 16, "name": "C.[method]", "path": "p/longer.py", "line": 1}
        assert said["families"] == [
            {"similarity": 0.82, "left": "a.py", "right": "b.py", "members": ["a.py", "b.py", "p/longer.py"]}
        ]
        assert said["not_compared"] == 3
        assert [each["path"] for each in said["unparsable"]] == ["broken.py", "z.py"]
        assert said["ran"][2] == {
            "function": "signatures-0",
            "step": "signatures",
            "node": "gpus",
            "gpu": True,
            "cuda_visible_devices": "0",
            "cpu_s": 0.5,
        }
        assert said["peaks"]["gpus"]["gpu"] == {"peak": 1.5, "capacity": 2}
        assert said["held"] == {"small": {"cpu": 1}}
