"""The scripts write moments as RQ does, whatever the date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
import rq.utils

from handoff.client.cluster import Cluster
from handoff.ledger.rqmodel import utc_text
from support.agent import FakeAgent, ok

MOMENTS = [
    "1970-01-01T00:00:00.001",
    "1999-12-31T23:59:59.999",
    "2000-02-29T12:00:00.000",
    "2026-01-01T00:00:00.000",
    "2026-02-28T23:59:59.999",
    "2026-03-01T00:00:00.000",
    "2027-12-31T23:59:59.999",
    "2028-02-29T06:30:15.250",
    "2028-12-31T00:00:00.000",
    "2099-12-31T23:59:59.999",
    "2100-02-28T23:59:59.999",
    "2100-03-01T00:00:00.000",
    "2400-02-29T23:59:59.999",
]


@pytest.mark.parametrize("moment", [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in MOMENTS], ids=MOMENTS)
def test_rq_reads_the_moment_that_was_meant(cluster: Cluster, moment: datetime) -> None:
    cluster.store.now_ms = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    agent = FakeAgent(cluster.store, "a", {"cpu": 1}).register()
    handle = cluster.enqueue("tasks:work", result_ttl=-1)
    [started] = agent.take()
    agent.finish(ok(started.id))

    job = handle.job

    assert (job.enqueued_at, job.started_at, job.ended_at) == (moment, moment, moment)


@pytest.mark.parametrize("hours", [0, 2, -5])
@pytest.mark.parametrize("moment", [*MOMENTS, "2026-01-01T00:00:00"])
def test_the_client_writes_the_moment_as_rq_does(moment: str, hours: int) -> None:
    there = datetime.fromisoformat(moment).replace(tzinfo=timezone(timedelta(hours=hours)))

    assert utc_text(there) == rq.utils.utcformat(there.astimezone(UTC))
