"""rq-dashboard's pages show functions as they show rq's jobs, once `handoff.rq.tools` is imported."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import rq_dashboard
import rq_dashboard.cli
import rq_dashboard.web
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from rq import Queue
from rq.job import Job, JobStatus

from handoff.client.cluster import Cluster
from handoff.ledger.texts.reservation import job_of
from support.agent import FakeAgent, failure, ok
from support.submits import NOW_MS, run

TOOLS = "handoff.rq.tools"


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    cluster.store.now_ms = NOW_MS
    return FakeAgent(cluster.store, "a", {"cpu": 1}).register()


@pytest.fixture
def load_tools(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], object]]:
    """Import it, and put back afterwards what it has changed."""
    monkeypatch.setattr(Job, "restore", Job.restore)
    sys.modules.pop(TOOLS, None)
    yield lambda: importlib.import_module(TOOLS)
    sys.modules.pop(TOOLS, None)


@pytest.fixture
def pages(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    monkeypatch.setattr(rq_dashboard.web, "from_url", lambda *_, **__: (None, cluster.connection))
    app = Flask("tools")
    app.config.from_object(rq_dashboard.default_settings)
    app.config |= {"RQ_DASHBOARD_REDIS_URL": "redis://as-the-cluster", "PROPAGATE_EXCEPTIONS": False}
    rq_dashboard.web.setup_rq_connection(app)
    app.register_blueprint(rq_dashboard.blueprint)
    return app.test_client()


def read(pages: FlaskClient, path: str) -> Any:
    answer = pages.get(f"/0/data/{path}.json")
    assert answer.status_code == 200, path
    return answer.get_json()


def to_one_of_each(cluster: Cluster, agent: FakeAgent) -> None:
    cluster.enqueue("tasks:work", 1, b="2", job_id="finished", meta={"by": "me"})
    run(agent, lambda id: ok(id, [1]))
    cluster.enqueue("tasks:work", job_id="failed")
    run(agent, failure)
    cluster.enqueue("tasks:work", 1, job_id="runs", cost={"cpu": 1})
    agent.take()
    agent.beat()
    cluster.enqueue("tasks:work", job_id="waits", cost={"cpu": 1})
    cluster.enqueue("tasks:work", job_id="later", delay=60)


def test_rq_dashboards_pages_show_functions_in_each_state(
    cluster: Cluster, agent: FakeAgent, load_tools: Callable[[], object], pages: FlaskClient
) -> None:
    load_tools()
    to_one_of_each(cluster, agent)
    lobby, node = cluster.namespace, f"{cluster.namespace}.a"

    for path in ("/", "/0/view/workers", "/0/view/jobs", "/0/view/job/finished"):
        assert pages.get(path).status_code == 200

    assert {queue["name"] for queue in read(pages, "queues")["queues"]} >= {node}
    shown = {
        (queue, state): [job["id"] for job in read(pages, f"jobs/{queue}/{state}/8/asc/1")["jobs"]]
        for queue in (lobby, node)
        for state in ("queued", "started", "finished", "failed", "deferred", "scheduled", "canceled")
    }
    assert {where: sorted(ids) for where, ids in shown.items() if ids} == {
        (node, "finished"): ["finished"],
        (node, "failed"): ["failed"],
        (node, "started"): ["runs"],
        (lobby, "deferred"): ["later", "waits"],
    }
    finished = read(pages, "job/finished")
    assert (finished["result"], finished["metadata"], finished["status"]) == ([1], '{"by": "me"}', "finished")
    assert finished["description"] == "tasks.work(1, b='2')"
    assert "no" in read(pages, "job/failed")["exc_info"]
    (worker,) = (each for each in read(pages, "workers")["workers"] if each["queues"] == [node])
    assert worker["current_job"]["job_id"] == "runs"


def test_rq_dashboards_command_takes_it_as_its_configuration(
    cluster: Cluster, agent: FakeAgent, load_tools: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    to_one_of_each(cluster, agent)
    monkeypatch.setattr(rq_dashboard.web, "from_url", lambda *_, **__: (None, cluster.connection))
    started: list[Flask] = []
    monkeypatch.setattr(Flask, "run", lambda app, **_: started.append(app))

    answer = CliRunner().invoke(rq_dashboard.cli.run, ["-c", TOOLS, "-u", "redis://as-the-cluster"])

    assert (answer.exit_code, answer.exception) == (0, None)
    assert read(started[0].test_client(), "job/finished")["result"] == [1]


def test_rq_dashboard_lets_a_failed_function_start_afresh_and_deletes_one_that_has_ended(
    cluster: Cluster, agent: FakeAgent, load_tools: Callable[[], object], pages: FlaskClient
) -> None:
    load_tools()
    for id in ("again", "gone"):
        cluster.enqueue("tasks:work", 1, job_id=id)
        run(agent, failure)

    assert pages.post("/job/again/requeue").status_code == 200
    assert pages.post("/job/gone/delete").status_code == 200

    assert [job_of(each.id) for each in agent.take()] == ["again"]
    assert not Job.exists("gone", cluster.connection)


def test_jobs_of_rqs_own_are_read_as_before(cluster: Cluster, load_tools: Callable[[], object]) -> None:
    queue = Queue("rqs", connection=cluster.connection)
    job = queue.enqueue("tasks.work", {1, 2}, meta={"by": {"me"}})
    load_tools()

    read_back = Job.fetch(job.id, cluster.connection)

    assert (read_back.args, read_back.meta) == (({1, 2},), {"by": {"me"}})
    assert read_back.get_status() is JobStatus.QUEUED
    job.delete()
    queue.delete()


def test_what_was_submitted_with_pickle_is_read_with_it(
    cluster: Cluster, agent: FakeAgent, load_tools: Callable[[], object]
) -> None:
    with_pickle = Cluster(connection=cluster.connection, namespace=cluster.namespace, serializer="pickle")
    with_pickle.enqueue("tasks:work", {1, 2}, job_id="pickled")
    load_tools()

    assert Job.fetch("pickled", cluster.connection).args == ({1, 2},)
