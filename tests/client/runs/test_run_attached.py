"""A client attends to a run for as long as it goes on and the cluster is open."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

import pytest

from handoff.client import attendant as module
from handoff.client.attendant import Attendant
from handoff.client.cluster import Cluster
from handoff.errors import RunCanceled, StoreUnavailable
from handoff.ledger import runs
from handoff.ledger.asking import Ledger
from handoff.ledger.store import Store
from support.agent import FakeAgent
from support.diamond import advance, attendants, diamond, play, stop_clock
from support.waiting import LIMIT_S


class TestAttached:
    @pytest.mark.parametrize("end", ["result", "status", "close"])
    def test_its_thread_ends_with_the_run_or_the_cluster(self, cluster: Cluster, agent: FakeAgent, end: str) -> None:
        mine = Cluster(connection=cluster.connection, namespace=cluster.namespace)
        stop_clock(cluster, mine)
        run = mine.submit_dag(diamond(), attached=True)
        assert len(attendants()) == 1

        if end == "close":
            mine.close()
            assert attendants() == []
            cluster.run(run.id).cancel()
            return
        play(agent, {})
        assert run.result(LIMIT_S).errors == {} if end == "result" else run.status == "finished"

        assert attendants() == []
        mine.close()

    def test_one_that_is_left_alone_is_canceled_for_that(self, cluster: Cluster, agent: FakeAgent) -> None:
        with Cluster(connection=cluster.connection, namespace=cluster.namespace) as mine:
            id = mine.submit_dag(diamond(), attached=True).id
        advance(cluster, 60)

        with pytest.raises(RunCanceled) as caught:
            cluster.run(id).result(LIMIT_S)

        assert caught.value.reason == "detached"

    def test_it_tries_again_while_redis_is_away_and_stops_when_the_run_has_ended(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answers: Iterator[bool | Exception] = iter([True, StoreUnavailable("redis://x", "away"), True, False])
        pauses: list[float] = []

        async def attend(ledger: Ledger, instance: str) -> bool:
            answer = next(answers)
            if isinstance(answer, Exception):
                raise answer
            return answer

        class Clockless(threading.Event):
            def wait(self, timeout: float | None = None) -> bool:
                pauses.append(timeout or 0.0)
                return self.is_set()

        monkeypatch.setattr(runs, "attend", attend)
        attendant = Attendant(cast(Store, SimpleNamespace(awaited=None)), uuid.uuid4().hex)
        monkeypatch.setattr(attendant, "_stopped", Clockless())

        attendant._attend()

        assert pauses == [0.0, module.ATTEND_EVERY_S, module.TRY_AGAIN_S, module.ATTEND_EVERY_S]
        assert next(answers, None) is None
