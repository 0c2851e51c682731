"""What becomes of a function in each state after each verb of RQ's: one table. Nothing leaks."""

from __future__ import annotations

import pytest
import redis
from rq.exceptions import InvalidJobOperation

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.ledger.housekeeping import tick
from support.agent import FakeAgent
from support.books import assert_nothing_held
from support.ledger import read_ledger
from support.rq_states import STATES, ended, play_out, submit
from support.rq_verbs import VERBS
from support.submits import NOW_MS

OUTCOMES = """
verb               | waiting    | delayed    | queued     | started    | finished   | failed     | canceled
nothing            | finished 1 | finished 2 | finished 1 | finished 1 | finished 1 | failed 1   | canceled 0
job.cancel()       | canceled 0 | canceled 1 | canceled 0 | canceled 1 | canceled 1 | canceled 1 | refused
job.delete()       | gone 0     | gone 1     | gone 0     | gone 1     | gone 1     | gone 1     | gone 0
job.requeue()      | refused    | refused    | refused    | refused    | refused    | finished 2 | refused
canceled.requeue() | refused    | refused    | refused    | refused    | refused    | refused    | finished 1
finished.requeue() | refused    | refused    | refused    | refused    | finished 2 | refused    | refused
deferred.requeue() | finished 1 | finished 2 | refused    | refused    | refused    | refused    | refused
queue.empty()      | finished 1 | finished 2 | gone 0     | finished 1 | finished 1 | failed 1   | canceled 0
lobby.empty()      | finished 1 | finished 2 | finished 1 | finished 1 | finished 1 | failed 1   | canceled 0
queue.delete()     | finished 1 | finished 2 | gone 0     | finished 1 | finished 1 | failed 1   | canceled 0
registry.cleanup() | finished 1 | finished 2 | finished 1 | finished 1 | finished 1 | failed 1   | canceled 0
suspend, resume    | finished 1 | finished 2 | finished 1 | finished 1 | finished 1 | failed 1   | canceled 0
"""
"""How the function ends and how often it was started, when everybody has done their part after the verb.

Where rq itself refuses the verb, all goes on as after nothing.
"""


def cases() -> list[tuple[str, str, str, str]]:
    """Verb, state, outcome, and the outcome after nothing."""
    heads, *rows = ([cell.strip() for cell in line.split("|")] for line in OUTCOMES.strip().splitlines())
    assert heads[1:] == list(STATES)
    assert [row[0] for row in rows] == list(VERBS)
    return [
        (row[0], state, row[column], rows[0][column]) for row in rows for column, state in enumerate(STATES, start=1)
    ]


def starts(cluster: Cluster, handle: Handle) -> int:
    events = [event for _, event in cluster.events()]
    return sum(event["event"] == "started" and event["id"].startswith(f"{handle.id}:") for event in events)


def assert_no_trace_of_running(cluster: Cluster, *handles: Handle) -> None:
    """Nothing of rq's says that something runs, is queued or deferred."""
    left = {key.partition(":")[0] for key in read_ledger(cluster.store).rq}
    assert left <= {"job", "results", "finished", "failed", "canceled", "queues", "worker", "workers"}
    for handle in handles:
        assert not list(cluster.connection.scan_iter(f"rq:execution*:{handle.id}*"))
        assert not cluster.connection.exists(f"rq:executions:{handle.id}")


class TestVerbs:
    @pytest.mark.parametrize(
        ("verb", "state", "outcome", "undisturbed"),
        [pytest.param(*case, id=f"{case[0]}-{case[1]}") for case in cases()],
    )
    def test_a_verb_in_a_state_has_its_outcome_and_leaks_nothing(
        self,
        cluster: Cluster,
        agent: FakeAgent,
        theirs: redis.Redis,
        verb: str,
        state: str,
        outcome: str,
        undisturbed: str,
    ) -> None:
        handle = STATES[state](cluster, agent)
        behind = submit(cluster, "behind")
        if outcome == "refused":
            with pytest.raises(InvalidJobOperation):
                VERBS[verb](cluster, handle, theirs)
            outcome = undisturbed
        else:
            VERBS[verb](cluster, handle, theirs)

        play_out(cluster, agent)

        assert f"{ended(cluster, handle)} {starts(cluster, handle)}" == outcome
        # The deleted queue held only the function itself, or the one behind it.
        lost = verb in ("queue.empty()", "queue.delete()") and state in ("delayed", "finished", "failed", "canceled")
        assert ended(cluster, behind) == ("gone" if lost else "finished")
        assert cluster.tracker.available("a") == {"cpu": 2}
        assert_nothing_held(cluster.store)
        assert_no_trace_of_running(cluster, handle, behind)

    @pytest.mark.parametrize("verb", ["job.cancel()", "job.delete()"])
    def test_the_room_of_what_rq_took_off_the_queue_of_a_static_node_comes_back(
        self, cluster: Cluster, theirs: redis.Redis, verb: str
    ) -> None:
        cluster.store.now_ms = NOW_MS
        cluster.register_node("a", {"cpu": 2})
        handle, behind = submit(cluster, "f"), submit(cluster, "behind")

        VERBS[verb](cluster, handle, theirs)
        for _ in range(4):
            tick(cluster.store)

        assert behind.status == "queued"
