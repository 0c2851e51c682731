"""Random graphs, whose functions fail, die and lose their nodes, come out as if they had run one after the other.

What the functions return is computed by the code of a child. What is said of the way there is read from the stream of
events: nothing starts before all that it takes has ended, and no node ever holds more than it has.
"""

from __future__ import annotations

import uuid

import fakeredis
import pytest
import redis
from hypothesis import HealthCheck, Phase, given, settings

from handoff.client.cluster import Cluster
from handoff.errors import FunctionCanceled, ResourcesUnavailable, UnknownRun
from handoff.ledger.texts.run_id import run_job_id
from support.books import assert_nothing_held
from support.graphs import Site
from support.in_process_child import Child
from support.random_dags.cases import NODES, Case, cases
from support.random_dags.drive import Drive
from support.random_dags.evaluation import evaluate, expected_states
from support.random_dags.replay import Replay
from support.story import Story
from support.thorough import THOROUGH


def check_outcome(case: Case, drive: Drive) -> None:
    """As if all had run one after the other."""
    run, failed = drive.run, drive.failed
    values = evaluate(case, drive.nodes)
    if not case.options["fail_fast"]:
        expected = expected_states(case, drive)
        assert {id for id, state in expected.items() if state == "finished"} == drive.nodes.keys()
    elif not failed:
        assert drive.nodes.keys() == case.regular.keys()
    if case.options["result_ttl"] == 0:
        with pytest.raises(UnknownRun):
            _ = run.status
        return
    states = drive.site.states(run)
    assert run.status == ("failed" if failed else "finished")
    assert {id for id, state in states.items() if state == "finished"} == drive.nodes.keys()
    assert set(states.values()) <= {"finished", "failed", "canceled"}
    if not case.options["fail_fast"]:
        assert states == expected
    partial = run.result(1, partial=True)
    assert partial.results == values
    assert {id: partial.allocations[id] for id in drive.nodes} == drive.nodes
    assert partial.errors.keys() == case.regular.keys() - drive.nodes.keys()
    for id, error in partial.errors.items():
        assert isinstance(error, FunctionCanceled) == (states[id] == "canceled"), (id, error)
    if not failed:
        assert run.result(1).results == values
    else:
        with pytest.raises(type(partial.errors[failed[0]])) as raised:
            run.result(1)
        assert str(raised.value) == str(partial.errors[failed[0]])


def check(connection: redis.Redis, case: Case) -> None:
    connection.flushdb()
    with Cluster(connection=connection, namespace=f"r{uuid.uuid4().hex[:8]}") as cluster, Child(connection) as child:
        site = Site(cluster)
        for name, has in NODES.items():
            site.node(name, **has)
        before = site.traces()
        try:
            run = site.submit(*case.functions, **case.options)
        except ResourcesUnavailable:
            assert case.options["reserve"] == "whole"
            site.housekeep()
            site.assert_traces(before)
            return
        drive = Drive(site, child, case, run)
        ids = {run_job_id(run.calls.instance, number): id for number, id in drive.numbers.items()}
        drive.to_the_end()
        site.housekeep()
        check_outcome(case, drive)
        Replay(case, ids, case.options["max_concurrency"]).all(site.events())
        Story(site.store).read().end()
        assert_nothing_held(site.store)
        if case.options["result_ttl"] == 0:
            for name in sorted(NODES.keys() - site.agents.keys()):
                drive.register(name)
            for name in sorted(drive.drained):
                drive.drain(name)
            site.assert_traces(before)


@pytest.mark.slow
@pytest.mark.timeout(7200 if THOROUGH else 900)
def test_a_random_graph_comes_out_as_if_its_functions_had_run_one_after_the_other(database: redis.Redis) -> None:
    @settings(
        # The same graphs every time, but where one asks for a search.
        derandomize=not THOROUGH,
        max_examples=2000 if THOROUGH else 6 if isinstance(database, fakeredis.FakeRedis) else 60,
        # To shrink takes minutes, and hardly makes it simpler: every step of the way there becomes another.
        phases=list(Phase) if THOROUGH else [Phase.explicit, Phase.generate],
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases())
    def prove(case: Case) -> None:
        check(database, case)

    prove()
