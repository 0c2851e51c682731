"""Many functions are canceled in a few calls, each as if it were canceled alone."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.errors import UnknownFunction
from handoff.ledger import functions as work_of
from support.agent import FakeAgent, killed, ok
from support.refused import work
from support.submits import submit, to_delayed, to_failed, to_finished, to_queued, to_started, to_waiting


class TestCanceled:
    def test_each_is_told_whether_this_call_decided(self, cluster: Cluster, agent: FakeAgent) -> None:
        finished, failed = to_finished(cluster, agent), to_failed(cluster, agent)
        started = to_started(cluster, agent)
        delayed, queued, waiting = to_delayed(cluster, agent), to_queued(cluster, agent), to_waiting(cluster, agent)

        assert cluster.cancel([finished, delayed, failed, queued, started, waiting, started]) == [
            False, True, False, True, True, True, True,
        ]  # fmt: skip
        statuses = [each.status for each in (finished, delayed, failed, queued, started, waiting)]
        assert statuses == ["finished", "canceled", "failed", "canceled", "started", "canceled"]
        assert cluster.cancel([delayed, started]) == [False, False]

        agent.finish(killed(next(iter(agent.runs))))
        assert started.status == "canceled"

    def test_what_has_started_can_be_left_alone(self, cluster: Cluster, agent: FakeAgent) -> None:
        handles = cluster.map(work, range(4), cost={"cpu": 1})
        agent.take()

        assert cluster.cancel(handles, running=False) == [False, True, True, True]

        agent.finish(ok(next(iter(agent.runs)), 0))
        assert handles[0].result() == 0
        assert not agent.take(room=9)

    def test_nothing_among_them_starts_in_the_room_of_another_and_what_else_waits_does(
        self, cluster: Cluster, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(work_of, "CANCELED_AT_ONCE", 2)
        handles = cluster.map(work, range(9), cost={"cpu": 1})
        other = submit(cluster, cost={"cpu": 2})
        cluster.connection.delete(cluster.store.keys("events"))

        assert cluster.cancel(handles) == [True] * 9

        assert other.status == "queued"
        placed = [event["id"].partition(":")[0] for _, event in cluster.events() if event["event"] == "reserved"]
        assert placed == [other.id]

    def test_more_than_one_call_takes_are_one_list(
        self, cluster: Cluster, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(work_of, "CANCELED_AT_ONCE", 2)
        handles = cluster.map(work, range(7), cost={"cpu": 1})
        handles[3].cancel()

        assert cluster.cancel(handles) == [True] * 3 + [False] + [True] * 3

    def test_ids_do_as_well_and_what_is_gone_was_not_decided(self, cluster: Cluster, agent: FakeAgent) -> None:
        (kept, gone) = cluster.map(work, range(2))
        gone.job.delete()

        assert cluster.cancel([kept.id, gone.id, "nobody", kept]) == [True, False, False, True]
        assert cluster.cancel([]) == []
        agent.take(room=9)
        agent.beat()

    def test_what_is_kept_for_no_time_is_told_too(self, cluster: Cluster, agent: FakeAgent) -> None:
        handles = cluster.map(work, range(2), failure_ttl=0)

        assert cluster.cancel(handles) == [True, True]
        assert cluster.cancel(handles) == [False, False]

    @pytest.mark.parametrize(
        ("given", "options", "text"),
        [
            ("an id", {}, "no list of handles or ids, but a str"),
            (3, {}, "no list of handles or ids, but a int"),
            ([None], {}, "among what is canceled is a NoneType"),
            ([], {"running": 1}, "running is 1"),
        ],
    )
    def test_what_is_no_list_of_functions_is_told(
        self, cluster: Cluster, given: Any, options: dict[str, Any], text: str
    ) -> None:
        with pytest.raises((TypeError, ValueError), match=text):
            cluster.cancel(given, **options)


class TestHandles:
    def test_handles_of_many_ids_come_in_their_order(self, cluster: Cluster, agent: FakeAgent) -> None:
        made = [submit(cluster, "a"), submit(cluster, "b")]

        found = cluster.handles([made[1].id, made[0].id])

        assert [(each.id, each.function_id) for each in found] == [(made[1].id, "b"), (made[0].id, "a")]
        assert cluster.handles([]) == []

    def test_one_that_is_unknown_is_named(self, cluster: Cluster, agent: FakeAgent) -> None:
        made = submit(cluster)

        with pytest.raises(UnknownFunction, match="nobody"):
            cluster.handles([made.id, "nobody"])
        with pytest.raises(TypeError, match="ids is a str"):
            cluster.handles(made.id)
