"""Sentry's integration for rq hears of functions what it hears of rq's jobs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from rq import Queue, Retry

from handoff import Cluster
from handoff.local.server import RedisServer
from support.agent_processes import Agents
from support.processes import environment
from support.sentry import Event, Sentry, a_sentry
from support.waiting import LIMIT_S

SETTINGS = """
import sentry_sdk
from sentry_sdk.integrations.rq import RqIntegration

def set_up():
    # Not for all else that is installed here, which would have to be imported.
    sentry_sdk.init(
        {dsn!r}, integrations=[RqIntegration()], auto_enabling_integrations=False, send_default_pii=True
    )
"""

TASKS = """
import time
import sentry_sdk

def fail(number, text="-"):
    sentry_sdk.set_tag("number", number)
    sentry_sdk.add_breadcrumb(category="mine", message=f"about {text}")
    raise LookupError(f"no place for {number}")

def hang():
    time.sleep(60)

def succeed():
    return 3
"""

LATE = """
import sentry_settings

sentry_settings.set_up()

def fail():
    raise LookupError("no place")
"""

TRACE_ID = "12345678901234567890123456789012"

META = {"_sentry_trace_headers": {"sentry-trace": f"{TRACE_ID}-1234567890123456-1"}}

RQS_WORKER = """
import sys
import redis
import sentry_settings
from rq import Queue, Worker

sentry_settings.set_up()
connection = redis.Redis.from_url(sys.argv[1])
Worker([Queue("rqs", connection=connection)], connection=connection).work(burst=True, logging_level="ERROR")
"""


@pytest.fixture
def sentry(tmp_path: Path) -> Iterator[Sentry]:
    with a_sentry() as sentry:
        (tmp_path / "sentry_settings.py").write_text(SETTINGS.format(dsn=sentry.dsn))
        (tmp_path / "sentry_tasks.py").write_text(TASKS)
        (tmp_path / "sentry_late.py").write_text(LATE)
        yield sentry


def told(event: Event) -> dict[str, Any]:
    """What an event says of a job, but for moments and frames."""
    raised = event["exception"]["values"][-1]
    job = dict(event["extra"]["rq-job"])
    return {
        "type": raised["type"],
        "value": raised["value"],
        "mechanism": raised["mechanism"],
        "function": raised["stacktrace"]["frames"][-1]["function"],
        "line": raised["stacktrace"]["frames"][-1]["context_line"],
        "level": event["level"],
        "tags": event.get("tags"),
        "fingerprint": event.get("fingerprint"),
        "transaction": event["transaction"],
        "breadcrumbs": [crumb["message"] for crumb in event["breadcrumbs"]["values"] if crumb["category"] == "mine"],
        "contexts": sorted(event["contexts"]),
        "trace": event["contexts"]["trace"]["trace_id"] == TRACE_ID,
        "dates": sorted(name for name in job if name.endswith("_at")),
        "job": {name: value for name, value in job.items() if not name.endswith("_at")},
    }


def run_by_rq(server: RedisServer, folder: Path) -> None:
    """Have rq's own worker do the same calls under the same ids."""
    queue = Queue("rqs", connection=redis.Redis.from_url(server.url))
    queue.enqueue("sentry_tasks.fail", 7, text="it", job_id="fails", meta=META)
    queue.enqueue("sentry_tasks.fail", 8, job_id="again", retry=Retry(max=1))
    queue.enqueue("sentry_tasks.hang", job_id="hangs", job_timeout=1)
    queue.enqueue("sentry_tasks.succeed", job_id="succeeds")
    subprocess.run(
        [sys.executable, "-c", RQS_WORKER, server.url], env=environment(), cwd=folder, check=True, timeout=LIMIT_S
    )


def test_sentry_is_told_of_a_function_what_rqs_own_worker_tells_of_a_job(
    agents: Agents, cluster: Cluster, redis_server: RedisServer, sentry: Sentry, tmp_path: Path
) -> None:
    run_by_rq(redis_server, tmp_path)
    of_rq = sentry.await_events(3)
    sentry.received.clear()
    redis.Redis.from_url(redis_server.url).flushdb()
    agents.start("a", "--path", str(tmp_path), "--preload", "sentry_settings:set_up")

    handles = [
        cluster.enqueue("sentry_tasks:fail", 7, text="it", job_id="fails", meta=META),
        cluster.enqueue("sentry_tasks:fail", 8, job_id="again", max_retries=1, retry_after=0),
        cluster.enqueue("sentry_tasks:hang", job_id="hangs", timeout=1),
        cluster.enqueue("sentry_tasks:succeed", job_id="succeeds"),
    ]
    cluster.gather(handles, timeout=LIMIT_S, return_exceptions=True)

    ours = sentry.await_events(3)
    assert len(sentry.events()) == 3, "an attempt that is followed by another is not told"
    assert {id: told(event) for id, event in ours.items()} == {id: told(event) for id, event in of_rq.items()}
    assert told(ours["fails"])["trace"]
    assert ours["hangs"]["fingerprint"] == ["rq", "JobTimeoutException", "sentry_tasks.hang"]
    secret = urlsplit(redis_server.url).password or ""
    assert secret
    assert not any(secret.encode() in envelope for envelope in sentry.received)


def test_sentry_that_the_functions_own_module_sets_up_is_told_of_the_first_failure(
    agents: Agents, cluster: Cluster, sentry: Sentry, tmp_path: Path
) -> None:
    agents.start("a", "--path", str(tmp_path))

    cluster.enqueue("sentry_late:fail", job_id="late")

    assert told(sentry.await_events(1)["late"])["value"] == "no place"
