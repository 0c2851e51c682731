"""What people see of runs: handles, results, progress, explanations, and graphs as text."""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff import DAG, Argument, Collocated, Function, LocalCluster, RunHandle
from handoff.client import attendant as runhandle
from handoff.client.attendant import Attendant
from handoff.client.cluster import Cluster
from handoff.errors import (
    DuplicateRun,
    FunctionCanceled,
    FunctionFailed,
    HandoffError,
    InvalidFunction,
    NodeLost,
    NotSerializable,
    RunCanceled,
    RunTimedOut,
    StoreUnavailable,
    UnknownFunction,
    UnknownRun,
)
from handoff.graph.mermaid import mermaid
from handoff.graph.tree import DEEPEST, tree
from handoff.graph.vertex import INLINE, Vertex, shown
from handoff.ledger import runs
from handoff.ledger.housekeeping import tick
from handoff.ledger.members import Member, dependencies_of, read_members
from handoff.ledger.nodes import SHARED, read_nodes
from handoff.ledger.results import RunResult, gather
from handoff.ledger.states import STATES
from handoff.ledger.store import Store
from handoff.serializer import Serializer
from handoff.why.overview import read_overview
from handoff.why.progress import Progress, read_progress
from support.agent import FakeAgent, failure, ok

WAIT_S = 30

LOCK = threading.Lock()
"""A value that no serializer carries."""

ENTITY = re.compile(r"#(\d+);")
NODE_LINE = re.compile(r'    n\d+(?:\["([^"]*)"\]|\{\{"([^"]*)"\}\}):::(\w+)')


def unescaped(label: str) -> str:
    return ENTITY.sub(lambda match: chr(int(match.group(1))), label)


def fan(width: int, states: Callable[[int], str]) -> list[Vertex]:
    """A source, so many that take it, and a sink that takes them all."""
    return [
        Vertex("source", (), "finished", "a"),
        *(
            Vertex(f"m{i}", (0,), states(i), "a" if states(i) in ("started", "finished") else None)
            for i in range(width)
        ),
        Vertex("sink", tuple(range(1, width + 1)), "deferred"),
    ]


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


class TestDependencies:
    def test_they_are_found_through_inlines_each_once_in_order_of_first_use(self) -> None:
        members = [
            Member("a", 1, ()),
            Member("b", 2, ()),
            Member("i", 0, (1, 0)),
            Member("j", 0, (2,)),
            Member("c", 3, (3, 0, 1)),
        ]

        assert [member.id for member in dependencies_of(members, 3)] == ["b", "a"]
        assert dependencies_of(members, 1) == []


class Pages:
    """A store whose progress script answers these pages, one after the other."""

    def __init__(self, *pages: list[Any]) -> None:
        self._pages = list(pages)
        self.cursors: list[str] = []

    def run(self, script: str, *, run: str, cursor: str) -> list[Any]:
        assert script == "progress"
        self.cursors.append(cursor)
        return self._pages.pop(0)


def flat(**fields: object) -> list[bytes]:
    return [text for name, value in fields.items() for text in (name.encode(), str(value).encode())]


class TestProgress:
    def test_pages_are_put_together_and_who_is_seen_twice_counts_once(self) -> None:
        fields = flat(dag="g", state="running", total=9, created_ms=1, n_finished=2, n_canceled=1, n_deferred=1)
        pinned = b"cpu=20000,slots=10000@node=b&30000:gpu=5000,slots=10000@node=b"
        first = [
            *(b"1", b"started", b"", b"a", b"cpu=10000,slots=10000", b"1", b""),
            *(b"2", b"deferred", b"parked", b"", b"slots=10000", b"", b"7"),
            *(b"3", b"deferred", b"waiting", b"", b"cpu=90000,slots=10000", b"", b""),
        ]
        second = [b"1", b"started", b"", b"a", b"cpu=10000,slots=10000", b"1", b""]
        third = [
            *(b"7", b"deferred", b"waiting", b"", pinned, b"", b""),
            *(b"8", b"deferred", b"delayed", b"", b"slots=10000", b"2", b"1900000001800"),
            *(b"9", b"queued", b"", b"a", b"slots=10000", b"", b""),
            *(b"10", b"deferred", b"delayed", b"", b"slots=10000", b"", b"1900000001800"),
        ]
        now_ms = 1_900_000_000_000
        store = Pages(
            ["progress", b"5", fields, first, [b"cpu=90000,slots=10000", 0], now_ms],
            ["progress", b"3", fields, second, [], now_ms],
            ["progress", b"0", fields, third, [pinned, 1], now_ms],
        )

        found = read_progress(cast(Store, store), "g", "run", {i: f"f{i}" for i in range(1, 11)})

        assert found == Progress(
            id="g",
            status="running",
            total=9,
            counts={
                "deferred": 1,
                "delayed": 2,
                "waiting": 3,
                "queued": 1,
                "started": 1,
                "finished": 2,
                "canceled": 1,
            },
            running={"f1": "a"},
            waiting={
                "f2": "for 'f7' to choose a node",
                "f3": "cpu 9: no live node could hold it, even when idle",
                "f7": "cpu 2 or gpu 0.5 (after 30 s) on b",
                "f8": "attempt 2 failed, next in 1.8 s",
                "f10": "until 2030-03-17T17:46:41.800+00:00",
            },
            infeasible=["f3"],
        )
        assert json.loads(json.dumps(found.to_dict())) == found.to_dict()
        assert list(found.counts) == [state for state in STATES if state in found.counts]
        assert store.cursors == ["0", "5", "3"]

    def test_of_a_run_that_expired_it_is_unknown(self) -> None:
        with pytest.raises(UnknownRun, match="'g'"):
            read_progress(cast(Store, Pages(["unknown"])), "g", "run", {})


# On both kinds of server, with an agent's part played by hand.


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    return FakeAgent(cluster.store, "a", {"cpu": 2, "slots": 4}).register()


def function(id: str, *args: str, **options: Any) -> Function:
    if options.get("type") != "inline":
        options.setdefault("max_retries", 0)
    return Function(id, "tasks:f", args=args, **options)


def dag(*functions: Function, id: str | None = None) -> DAG:
    graph = DAG(id)
    for each in functions:
        graph.add(each)
    return graph


def diamond(**options: Any) -> DAG:
    return dag(
        function("top", **options),
        function("half", "top", type="inline"),
        function("left", "half"),
        function("right", "half", "top"),
        function("end", "left", "right"),
    )


def play(agent: FakeAgent, outcomes: Mapping[str, Any]) -> None:
    """Run all that comes: what has no outcome returns its id, an exception is raised."""
    while started := agent.take(room=100):
        results = []
        for each in started:
            id = each.job["h_function"].decode()
            value = outcomes.get(id, id)
            results.append(failure(each.id, str(value)) if isinstance(value, Exception) else ok(each.id, value))
        agent.finish(*results)


def advance(cluster: Cluster, seconds: float) -> None:
    """Let the server's clock be later, and somebody look at it."""
    now_s, _ = cluster.store.read("TIME")
    cluster.store.now_ms = round(1000 * (int(now_s) + seconds))
    tick(cluster.store)


class TestResults:
    def test_they_are_of_every_function_but_inlines_with_the_node_of_each(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        run = cluster.submit_dag(diamond())
        play(agent, {"end": None, "left": [1, (2,)]})

        result = run.result(WAIT_S)

        assert result.dag_id == run.id
        assert result.results == {"top": "top", "left": [1, (2,)], "right": "right", "end": None}
        assert list(result.results) == ["top", "left", "right", "end"]
        assert result.allocations == dict.fromkeys(["top", "left", "right", "end"], "a")
        assert result.errors == {}

    def test_no_functions_are_no_results_at_once(self, cluster: Cluster) -> None:
        assert cluster.execute(DAG("none")) == RunResult("none", {}, {})
        assert cluster.run("none").status == "finished"

    def test_many_are_read_in_few_round_trips(
        self, cluster: Cluster, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("handoff.ledger.members.SLICE", 10)
        run = cluster.submit_dag(dag(*(function(f"f{i}") for i in range(25))))
        play(agent, {})
        found = runs.look_run(cluster.store, run.id)
        members = read_members(cluster.store, found.instance) or []
        trips: list[object] = []
        insist = cluster.store.insist

        def count(call: Callable[[], Any]) -> Any:
            trips.append(call)
            return insist(call)

        monkeypatch.setattr(cluster.store, "insist", count)

        result = gather(cluster.store, found, members, Serializer, partial=False)

        assert (len(result.results), len(trips)) == (25, 3)

    def test_what_failed_first_is_raised_as_by_its_own_handle(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(diamond())
        play(agent, {"top": ValueError("no")})

        with pytest.raises(FunctionFailed) as caught:
            run.result(WAIT_S)
        with pytest.raises(FunctionFailed) as own:
            run.handle("top").result(WAIT_S)

        assert caught.value.args == own.value.args
        assert (run.status, caught.value.function_id) == ("failed", "top")

    def test_partial_ones_have_what_finished_and_the_error_of_each_that_did_not(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        run = cluster.submit_dag(diamond(), fail_fast=False)
        play(agent, {"right": ValueError("no")})

        result = run.result(WAIT_S, partial=True)

        assert result.results == {"top": "top", "left": "left"}
        assert {id: type(error) for id, error in result.errors.items()} == {
            "right": FunctionFailed,
            "end": FunctionCanceled,
        }
        assert "its dependency 'right'" in str(result.errors["end"])
        assert result.allocations == dict.fromkeys(["top", "left", "right"], "a")
        with pytest.raises(FunctionFailed, match="'right'"):
            run.result(WAIT_S)

    def test_a_function_whose_node_is_lost_is_the_reason(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(diamond())
        agent.take(1)
        agent.goodbye()

        with pytest.raises(NodeLost, match="'top'"):
            run.result(WAIT_S)

    def test_a_function_that_is_canceled_alone_is_the_reason(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(diamond())
        run.handle("left").cancel()

        with pytest.raises(FunctionCanceled, match="function 'left' was canceled"):
            run.result(WAIT_S)

    def test_a_run_that_is_canceled_says_so_and_its_functions_say_why(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(diamond())

        assert (run.cancel(), run.cancel(), run.status) == (True, False, "canceled")

        with pytest.raises(RunCanceled) as caught:
            run.result(WAIT_S)
        assert (caught.value.id, caught.value.reason) == (run.id, "canceled")
        with pytest.raises(FunctionCanceled, match="its run"):
            run.handle("end").result(WAIT_S)
        assert "canceled before it started, for its run" in run.handle("end").explain().text

    def test_a_run_that_took_too_long_says_how_long_that_was(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(diamond(), timeout=2.5)
        advance(cluster, 10)

        with pytest.raises(RunTimedOut) as caught:
            run.result(WAIT_S)

        assert (caught.value.id, caught.value.seconds) == (run.id, 2.5)
        assert isinstance(caught.value, TimeoutError)

    def test_nobody_waits_longer_than_asked_and_may_ask_again(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(diamond())

        with pytest.raises(
            TimeoutError, match=r"is running after 0 s of waiting: 0 of 4 functions have ended"
        ) as caught:
            run.result(timeout=0)

        assert not isinstance(caught.value, HandoffError)
        play(agent, {})
        assert len(run.result(WAIT_S).results) == 4

    def test_who_waits_in_vain_is_told_what_no_node_could_hold(self, cluster: Cluster, agent: FakeAgent) -> None:
        never = [function(f"big{i}", cost={"cpu": 8}) for i in range(5)]
        run = cluster.submit_dag(dag(*never, function("x"), function("busy", cost={"cpu": 2}, delay=60)))

        with pytest.raises(TimeoutError) as caught:
            run.result(timeout=0)
        with pytest.raises(TimeoutError) as waited:
            run.wait(timeout=0)

        assert str(caught.value) == str(waited.value)
        assert str(caught.value).endswith(
            "0 of 7 functions have ended, and no live node could hold 'big0', 'big1', 'big2', 2 more, even when idle"
        )
        run.cancel()

    def test_partial_ones_are_what_there_is_when_the_time_is_over(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(
            dag(function("x"), function("y"), function("z", "x", "y"), function("w", "x")), fail_fast=False
        )
        assert run.result(timeout=0, partial=True) == RunResult(run.id, {}, {})
        first, second = agent.take(2)
        agent.finish(ok(first.id, 7), failure(second.id, "no"))
        agent.take(1)

        found = run.result(timeout=0, partial=True)

        assert found.to_dict() == {
            "dag_id": run.id,
            "results": {"x": 7},
            "allocations": {"x": "a", "y": "a"},
            "errors": {
                "y": {"type": "builtins.ValueError", "message": "no"},
                "z": {"type": "FunctionCanceled", "message": str(found.errors["z"])},
            },
        }
        assert run.status == "running"
        play(agent, {})
        run.cancel()
        agent.goodbye()

    @pytest.mark.parametrize("end", ["finished", "failed", "canceled"])
    def test_to_wait_for_the_end_is_to_learn_how_it_ended_and_raises_nothing_else(
        self, cluster: Cluster, agent: FakeAgent, end: str
    ) -> None:
        run = cluster.submit_dag(diamond())
        with pytest.raises(TimeoutError):
            run.wait(timeout=0)
        if end == "canceled":
            run.cancel()
        play(agent, {"top": ValueError("no")} if end == "failed" else {})

        assert run.wait(WAIT_S) == end

    def test_whoever_waits_is_woken_by_the_end(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(diamond())
        found: list[RunResult] = []
        waiter = threading.Thread(target=lambda: found.append(run.result(WAIT_S)))
        waiter.start()

        play(agent, {})
        waiter.join(WAIT_S)

        assert [len(result.results) for result in found] == [4]

    def test_a_result_that_rq_deleted_is_missed(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(diamond())
        play(agent, {})
        run.handle("left").job.delete()

        with pytest.raises(UnknownFunction):
            run.result(WAIT_S)
        partial = run.result(WAIT_S, partial=True)

        assert list(partial.results) == ["top", "right", "end"]
        assert {id: type(error) for id, error in partial.errors.items()} == {"left": UnknownFunction}
        assert '["left"]:::gone' in run.to_mermaid()

    def test_a_run_of_which_nothing_is_kept_is_unknown_afterwards(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(diamond(), result_ttl=0)
        play(agent, {})

        for ask in (run.result, run.progress, run.to_mermaid, run.cancel, lambda: run.status):
            with pytest.raises(UnknownRun):
                ask()


class TestHandle:
    def test_it_is_found_by_the_id_of_its_dag_the_newest_first(self, cluster: Cluster, agent: FakeAgent) -> None:
        first = cluster.submit_dag(dag(function("f"), id="a b\n猫"))
        first.cancel()
        cluster.submit_dag(dag(function("g"), id="a b\n猫"))

        found = cluster.run("a b\n猫")

        assert (found.id, found.status, first.status) == ("a b\n猫", "running", "canceled")
        assert found.handle("g").status == "queued"
        with pytest.raises(UnknownFunction, match=r"^run 'a b.n猫' has no function 'f': "):
            found.handle("f")
        cluster.run("a b\n猫").cancel()

    @pytest.mark.parametrize("id", ["nobody", "", 3, None])
    def test_one_that_nobody_submitted_is_unknown(self, cluster: Cluster, id: Any) -> None:
        with pytest.raises(UnknownRun):
            cluster.run(id)

    def test_an_inline_function_has_no_handle(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(diamond())

        with pytest.raises(InvalidFunction, match="inline"):
            run.handle("half")
        run.cancel()

    def test_it_tells_what_runs_where_and_what_waits_for_what(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(
            dag(function("x", cost={"cpu": 2}), function("y", cost={"cpu": 1}), function("z", "x"))
        )
        (started,) = agent.take(1)

        found = run.progress()

        assert found == Progress(
            run.id, "running", 3, {"deferred": 1, "waiting": 1, "started": 1}, {"x": "a"}, {"y": "cpu 1"}
        )
        agent.finish(ok(started.id))
        play(agent, {})
        assert run.progress() == Progress(run.id, "finished", 3, {"finished": 3}, {}, {})

    def test_of_each_function_it_is_known_how_it_ended(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(diamond(), fail_fast=False)
        play(agent, {"right": ValueError("no")})

        found = {vertex.id: vertex for vertex in run.vertices()}

        assert found["top"].job_id == run.handle("top").id
        assert (found["half"].job_id, found["half"].state) == (None, INLINE)
        assert (found["right"].attempts, found["right"].error) == (
            1,
            {"type": "builtins.ValueError", "message": "no"},
        )
        assert found["end"].error is None
        assert found["end"].reason.startswith("its dependency 'right' ")

    def test_what_no_node_could_hold_does_not_look_busy(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(
            dag(
                function("x", cost={"cpu": 2}),
                function("busy", cost={"cpu": 2}),
                function("big", cost={"cpu": 3}),
                function("either", cost=[{"cpu": 3}, {"cpu": 1}]),
            )
        )

        found = run.progress()

        assert found.infeasible == ["big"]
        assert found.waiting == {
            "busy": "cpu 2",
            "big": "cpu 3: no live node could hold it, even when idle",
            "either": "cpu 3 or cpu 1",
        }
        assert tree(run.vertices())[1:3] == [
            "  busy: waiting for cpu 2",
            "  big: waiting for cpu 3: no live node could hold it, even when idle",
        ]
        run.cancel()

    def test_of_distinct_demands_no_more_are_judged_at_once_than_the_server_has_time_for(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        run = cluster.submit_dag(dag(*(function(f"f{i}", cost={"cpu": 3 + i}) for i in range(70))))
        tick(cluster.store)

        assert len(run.progress().infeasible) == 64
        run.cancel()

    def test_a_node_that_fell_silent_holds_nothing(self, cluster: Cluster, agent: FakeAgent) -> None:
        cluster.store.now_ms = 1_900_000_000_000
        silent = FakeAgent(cluster.store, "silent", {"cpu": 8}).register()
        run = cluster.submit_dag(dag(function("x", cost={"cpu": 8}), function("y", cost={"cpu": 8})))
        assert run.progress().infeasible == []

        cluster.store.now_ms += silent.lease_ms + 1

        assert run.progress().infeasible == ["y"]
        cluster.store.now_ms = 0
        run.cancel()

    def test_what_is_delayed_is_told_with_what_waits(self, cluster: Cluster, agent: FakeAgent) -> None:
        cluster.store.now_ms = 1_900_000_000_000
        agent.register()
        run = cluster.submit_dag(dag(function("x", max_retries=3), function("y", delay=60)))
        (started,) = agent.take(1)
        agent.finish(failure(started.id))

        assert run.progress().waiting == {
            "x": "attempt 1 failed, next in 1.0 s",
            "y": "until 2030-03-17T17:47:40.000+00:00",
        }
        run.cancel()

    def test_a_run_that_is_being_ended_says_how_to_wait_for_that(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(diamond())
        with pytest.raises(DuplicateRun, match="has not ended yet: wait for it, cancel it"):
            cluster.submit_dag(dag(id=run.id))
        agent.take(1)
        run.cancel()

        with pytest.raises(DuplicateRun, match=r"is being ended: wait for it with run.wait\(\)"):
            cluster.submit_dag(dag(id=run.id))

        agent.goodbye()
        assert run.wait(WAIT_S) == "canceled"
        assert cluster.submit_dag(dag(id=run.id)).wait(WAIT_S) == "finished"

    def test_a_drawing_shows_each_with_its_state(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(diamond())
        agent.take(1)

        lines = run.to_mermaid().splitlines()

        assert lines[1:6] == [
            '    n0["top<br/>on a"]:::started',
            '    n1{{"half"}}:::inline',
            '    n2["left"]:::deferred',
            '    n3["right"]:::deferred',
            '    n4["end"]:::deferred',
        ]
        assert [line.strip() for line in lines if "-->" in line] == [
            "n0 --> n1",
            "n1 --> n2",
            "n1 --> n3",
            "n0 --> n3",
            "n2 --> n4",
            "n3 --> n4",
        ]
        agent.goodbye()

    def test_the_list_has_the_newest_first(self, cluster: Cluster, agent: FakeAgent) -> None:
        cluster.store.now_ms = 1_900_000_000_000
        first = cluster.submit_dag(diamond())
        cluster.store.now_ms += 1000
        second = cluster.submit_dag(diamond())

        listed = cluster.runs()

        assert [each.id for each in listed] == [second.id, first.id]
        assert [(each.status, each.total, each.finished, each.ended_at) for each in listed] == 2 * [
            ("running", 4, 0, None)
        ]
        assert (listed[0].created_at - listed[1].created_at).total_seconds() == 1
        assert [each.id for each in cluster.runs(count=1)] == [second.id]
        first.cancel()
        second.cancel()
        assert {(each.status, each.canceled, each.reason) for each in cluster.runs()} == {("canceled", 4, "canceled")}

    @pytest.mark.parametrize("count", [0, -1, 1_001, 2.0, True, "5"])
    def test_the_list_is_of_a_sensible_number(self, cluster: Cluster, count: Any) -> None:
        with pytest.raises(ValueError, match="count is"):
            cluster.runs(count)

    def test_what_is_no_dag_is_refused(self, cluster: Cluster) -> None:
        with pytest.raises(TypeError, match="is no DAG"):
            cluster.submit_dag(cast(DAG, function("f")))

    @pytest.mark.parametrize(
        ("given", "said"), [(DAG(), "is a DAG: a DAG is submitted with submit_dag"), (3, "an? int")]
    )
    def test_what_is_no_function_is_refused(self, cluster: Cluster, given: Any, said: str) -> None:
        with pytest.raises(TypeError, match=said):
            cluster.submit(given)

    def test_arguments_that_are_no_sequence_are_refused(self, cluster: Cluster) -> None:
        with pytest.raises(InvalidFunction, match="args is neither a list nor a tuple"):
            cluster.enqueue("tasks:f", args="abc")


class TestWhatCannotBeCarried:
    @pytest.mark.parametrize(
        ("graph", "argument"),
        [
            (dag(function("a", extra_args=[{"x": [LOCK]}])), "argument 0['x'][0] of function 'a'"),
            (dag(function("a"), function("b", "a", kwargs={"k": LOCK})), "keyword argument 'k' of function 'b'"),
            (
                dag(function("a"), function("i", "a", type="inline", extra_args=[LOCK]), function("b", "i")),
                "argument 0 of function 'i'",
            ),
            (
                dag(function("a"), function("b", cast(Any, Argument("a", serialize=("tasks:f", LOCK))))),
                "a constant in an Argument('a')",
            ),
            (
                dag(function("a"), function("b", cast(Any, Argument("a", deserialize=("tasks:f", LOCK))))),
                "a constant in an Argument of function 'b'",
            ),
        ],
    )
    @pytest.mark.parametrize("serializer", ["msgpack", "pickle"])
    def test_the_error_names_the_function(self, cluster: Cluster, graph: DAG, argument: str, serializer: str) -> None:
        mine = Cluster(connection=cluster.connection, namespace=cluster.namespace, serializer=serializer)
        if serializer == "pickle":
            # It does not say where in an argument.
            argument = argument.replace("['x'][0]", "")

        with mine, pytest.raises(NotSerializable) as caught:
            mine.submit_dag(graph)

        assert caught.value.argument == argument
        assert cluster.runs() == []

    def test_of_a_function_on_its_own_too(self, cluster: Cluster) -> None:
        with pytest.raises(NotSerializable, match=r"^argument 0 of function 'f' holds an object, which"):
            cluster.submit(function("f", extra_args=[object()]))


class Chooser:
    """An allocator that puts everything on one node, and notes what it was asked."""

    def __init__(self, node: str) -> None:
        self._node = node
        self.asked: list[tuple[list[tuple[str, Any]], dict[str, Any]]] = []

    def allocate(self, functions: Sequence[Function], free: Mapping[str, Any]) -> dict[str, str | None]:
        self.asked.append(([(each.id, each.cost) for each in functions], dict(free)))
        return {each.id: self._node if each.id != "end" else None for each in functions}


def test_an_allocator_is_asked_once_for_all_functions_and_tried_first(cluster: Cluster) -> None:
    for name in "ab":
        cluster.register_node(name, {"cpu": 2})
    chooser = Chooser("b")
    choosing = Cluster(connection=cluster.connection, namespace=cluster.namespace, allocator=chooser)

    with choosing:
        run = choosing.submit_dag(diamond(cost=[{"cpu": 1}, {"cpu": 2}]))

    asked = [("top", {"cpu": 1}), ("left", {}), ("right", {}), ("end", {})]
    assert chooser.asked == [(asked, {"a": {"cpu": 2}, "b": {"cpu": 2}})]
    assert cluster.run(run.id).handle("top").node == "b"
    cluster.run(run.id).cancel()


class TestWhy:
    def test_of_what_is_deferred_is_said_what_has_not_ended(self, cluster: Cluster, agent: FakeAgent) -> None:
        middle = [function(f"m{i}") for i in range(12)]
        run = cluster.submit_dag(dag(*middle, function("end", *(each.id for each in middle))))
        agent.finish(ok(agent.take(1)[0].id))
        agent.take(1)

        found = run.handle("end").explain()

        assert found.state == "deferred"
        assert found.text == "waits for its dependencies: 1 of 12 have ended, 'm1', 'm2', 'm3' and 8 more have not"
        assert found.dependencies is not None
        assert (found.dependencies["of"], found.dependencies["ended"]) == (12, 1)
        assert len(found.dependencies["open"]) == 10
        assert found.dependencies["open"][0] == {
            "function_id": "m1",
            "id": run.handle("m1").id,
            "state": "started",
            "node": "a",
        }
        agent.goodbye()
        run.cancel()

    def test_of_what_is_reserved_is_said_where(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(dag(function("x"), function("y", "x", cost={"cpu": 1})), reserve="whole")

        handle = run.handle("y")

        assert handle.status == "deferred"
        assert handle.explain().text == (
            "waits for its dependencies: 0 of 1 have ended, 'x' has not; what it costs is reserved on a already"
        )
        assert handle.explain().holders[0]["amounts"] == {"cpu": 1, "slots": 1}
        run.cancel()

    def test_of_what_is_parked_is_said_who_chooses(self, cluster: Cluster, agent: FakeAgent) -> None:
        claim = cluster.tracker.request("a", {"cpu": 2})
        run = cluster.submit_dag(
            dag(function("x", cost={"cpu": 1}), function("y", node=Collocated("x"), cost={"cpu": 1}))
        )

        found = run.handle("y").explain()

        assert (run.handle("y").status, found.state) == ("waiting", "waiting")
        assert found.text == "is ready: 'x', with which it is collocated, chooses the node first"
        assert run.progress().waiting == {
            "x": "cpu 1 where all collocated with it fit (cpu 2, slots 2)",
            "y": "for 'x' to choose a node",
        }
        assert tree(run.vertices())[1] == "  y: waiting for 'x' to choose a node"
        run.cancel()
        cluster.tracker.release(claim)

    def test_a_group_that_fits_nowhere_is_told_by_what_it_needs_together(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        run = cluster.submit_dag(
            dag(function("x", cost={"cpu": 2}), function("y", node=Collocated("x"), cost={"cpu": 1}))
        )

        found = run.handle("x").explain()

        assert found.state == "infeasible"
        assert "(cpu 3 wanted for all that are collocated, a has 2)" in found.text
        run.cancel()

    def test_the_token_of_a_run_is_told_as_its_max_concurrency_and_shown_nowhere_else(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        cluster.share({"seat": 3})
        run = cluster.submit_dag(dag(function("x", cost={"seat": 1}), function("y")), max_concurrency=1)

        found = run.handle("y").explain()

        assert found.text.startswith(
            "waits for a slot: as many of its run are placed as its max_concurrency allows; 1 function holds it"
        )
        assert run.progress().waiting == {"y": "a slot, and a place within its run's max_concurrency"}
        assert cluster.shared() == {"seat": 3}
        assert list(read_overview(cluster.store).shared) == ["seat"]
        (token,) = [name for name in read_nodes(cluster.store, SHARED)[0].capabilities if name != "seat"]
        assert token not in str(found.to_dict())
        run.cancel()
        cluster.share({"seat": 0})


def attendants() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("handoff-attend-")]


class TestAttached:
    @pytest.mark.parametrize("end", ["result", "status", "close"])
    def test_its_thread_ends_with_the_run_or_the_cluster(self, cluster: Cluster, agent: FakeAgent, end: str) -> None:
        mine = Cluster(connection=cluster.connection, namespace=cluster.namespace)
        run = mine.submit_dag(diamond(), attached=True)
        assert len(attendants()) == 1

        if end == "close":
            mine.close()
            assert attendants() == []
            cluster.run(run.id).cancel()
            return
        play(agent, {})
        assert run.result(WAIT_S).errors == {} if end == "result" else run.status == "finished"

        assert attendants() == []
        mine.close()

    def test_one_that_is_left_alone_is_canceled_for_that(self, cluster: Cluster, agent: FakeAgent) -> None:
        with Cluster(connection=cluster.connection, namespace=cluster.namespace) as mine:
            id = mine.submit_dag(diamond(), attached=True).id
        advance(cluster, 60)

        with pytest.raises(RunCanceled) as caught:
            cluster.run(id).result(WAIT_S)

        assert caught.value.reason == "detached"

    def test_it_tries_again_while_redis_is_away_and_stops_when_the_run_has_ended(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answers: Iterator[bool | Exception] = iter([True, StoreUnavailable("redis://x", "away"), True, False])
        pauses: list[float] = []

        def attend(store: Store, instance: str) -> bool:
            answer = next(answers)
            if isinstance(answer, Exception):
                raise answer
            return answer

        class Clockless(threading.Event):
            def wait(self, timeout: float | None = None) -> bool:
                pauses.append(timeout or 0.0)
                return self.is_set()

        monkeypatch.setattr(runs, "attend", attend)
        attendant = Attendant(cast(Store, None), uuid.uuid4().hex)
        monkeypatch.setattr(attendant, "_stopped", Clockless())

        attendant._attend()

        assert pauses == [0.0, runhandle.ATTEND_EVERY_S, runhandle.TRY_AGAIN_S, runhandle.ATTEND_EVERY_S]
        assert next(answers, None) is None


# With real nodes.


@pytest.fixture(scope="module")
def live() -> Iterator[Cluster]:
    with LocalCluster({"a": {"cpu": 1}, "b": {"cpu": 1}}) as cluster:
        yield cluster


class TestOnRealNodes:
    def test_a_graph_runs_across_nodes_and_gives_back_all_results(self, live: Cluster) -> None:
        graph = (
            DAG()
            .add(Function("one", "operator:add", extra_args=[1, 2], node="a"))
            .add(Function("two", "operator:mul", args=["one"], extra_args=[10], node="b"))
            .add(Function("minus", "operator:neg", args=["two"], type="inline"))
            .add(Function("sum", "builtins:sum", args=["one", "two", "minus"], argument_inclusion="as_list"))
        )

        result = live.execute(graph, attached=True)

        assert result.results == {"one": 3, "two": 30, "sum": 3}
        assert (result.allocations["one"], result.allocations["two"]) == ("a", "b")
        assert attendants() == []

    def test_a_run_that_is_canceled_ends_what_runs(self, live: Cluster) -> None:
        run: RunHandle = live.submit_dag(DAG().add(Function("nap", "time:sleep", extra_args=[600])))

        assert run.cancel()

        with pytest.raises(RunCanceled):
            run.result(WAIT_S)
        assert all(not node.used.get("slots") for node in read_nodes(live.store))
