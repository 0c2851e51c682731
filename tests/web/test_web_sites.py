"""The applications of docs/web under their web servers, with a node; Redis is stopped, killed and started meanwhile."""

from __future__ import annotations

import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from handoff.client.cluster import Cluster
from handoff.local.server import RedisServer
from support import need_redis_server
from support.agent_processes import Agents
from support.books import check_books
from support.processes import environment
from support.site import Site
from support.waiting import LIMIT_S, wait_until

# On a busy machine a worker that says nothing for a while is not dead.
FASTAPI = ["uvicorn", "--workers", "2", "--port", "{port}", "--timeout-worker-healthcheck", f"{LIMIT_S:.0f}"]
FASTAPI += ["--timeout-graceful-shutdown", "1", "fastapi_app:app"]
FLASK = ["gunicorn", "--preload", "--workers", "2", "--threads", "8", "--timeout", f"{LIMIT_S:.0f}"]
FLASK += ["--graceful-timeout", "1", "--bind", "127.0.0.1:{port}", "flask_app:app"]
DJANGO = ["django", "runserver", "--noreload", "127.0.0.1:{port}"]

LEASE_S = 15.0
"""That of agents by default: what was to be told when Redis went away is heard of at the next beat, a third later."""

LONG, SHORT = 100_000, 10  #: frames; the one would take a quarter of an hour


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What Django is told by its environment, also on the node; its database is there."""
    folder = tmp_path_factory.mktemp("database")
    told = {"DJANGO_SETTINGS_MODULE": "filmsite.settings", "FILMSITE_DATABASE": str(folder / "films.sqlite3")}
    migrate = [sys.executable, "-m", "django", "migrate", "--run-syncdb", "--verbosity", "0"]
    subprocess.run(migrate, env={**environment(), **told}, check=True)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in told.items():
            patch.setenv(name, value)
        yield told


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    need_redis_server()
    with RedisServer(appendonly=True) as server:
        yield server


@pytest.fixture(scope="module")
def cluster(
    server: RedisServer, variables: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """A node of one core, where Django is set up."""
    with Cluster(server.url) as cluster:
        with Agents(cluster, server.url, tmp_path_factory.mktemp("agents")) as agents:
            agents.start("node", "--preload", "filmsite.wsgi", cpu=1, lease=LEASE_S)
            yield cluster
        check_books(cluster.store)


@pytest.fixture(
    scope="module", params=["fastapi", *(pytest.param(each, marks=pytest.mark.slow) for each in ("flask", "django"))]
)
def started(
    request: pytest.FixtureRequest,
    server: RedisServer,
    variables: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    command, ended_by = {
        "fastapi": (FASTAPI, signal.SIGTERM),
        "flask": (FLASK, signal.SIGTERM),
        "django": (DJANGO, signal.SIGINT),
    }[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    with Site(command, folder, {**variables, "HANDOFF_REDIS_URL": server.url}, ended_by) as site:
        yield site


@pytest.fixture
def site(started: Site, cluster: Cluster) -> Site:
    """The site, which runs and has nothing to do: of a call that failed in an outage a film may be left."""
    if not started.runs:
        started.start()
    wait_until(lambda: cluster.tracker.available("node").get("cpu") == 1, "the node has nothing to do")
    return started


@pytest.fixture
def film(site: Site, cluster: Cluster) -> Iterator[str]:
    """A film that is being converted until the test is over, and has the only core."""
    film = site.convert(LONG).headers["location"]
    yield film
    cluster.handle("film-" + film.rpartition("/")[2]).cancel()


def test_a_film_is_taken_on_followed_and_ready(site: Site) -> None:
    answer = site.convert(SHORT)
    film = answer.headers["location"]
    told = list(site.events(film))

    assert answer.status_code == 202
    assert answer.json()["state"] in ("queued", "started", "finished")
    assert [each["state"] for each in told if each["state"] not in ("queued", "started")] == ["finished"]
    assert told[-1]["progress"] == {"fraction": 1, "message": f"frame {SHORT} of {SHORT}"}
    assert site.web.get(film).json()["result"] == "Alien.mp4"


def test_a_request_that_is_sent_twice_converts_once(site: Site) -> None:
    key = uuid.uuid4().hex
    film = site.convert(SHORT, Idempotency_Key=key).headers["location"]
    again = site.convert(SHORT, Idempotency_Key=key)
    assert list(site.events(film))[-1]["state"] == "finished"
    late = site.convert(SHORT, Idempotency_Key=key)

    assert film == again.headers["location"] == late.headers["location"]
    assert late.json()["state"] == "finished"
    assert site.convert(SHORT, Idempotency_Key=f"not {key}").headers["location"] != film


def test_a_film_that_waits_says_for_what_and_can_be_canceled(site: Site, film: str) -> None:
    behind = site.convert(SHORT).headers["location"]
    told = site.web.get(behind).json()

    assert told["state"] == "waiting"
    assert "short of 1 cpu" in told["why"]
    assert film.rpartition("/")[2] not in str(told)
    assert site.web.delete(behind).json() == {"canceled": True}
    assert site.web.delete(behind).json() == {"canceled": False}
    assert site.web.get(behind).json()["state"] == "canceled"


@pytest.mark.parametrize(
    ("ask", "status", "said"),
    [
        (lambda site: site.convert(SHORT, gpus=1), 409, "gpu 1 wanted"),
        (lambda site: site.convert(0), 422, "frames"),
        (lambda site: site.convert(SHORT, gpus=-1), 422, "gpu"),
        (lambda site: site.convert(SHORT, Idempotency_Key="k" * 200), 422, "100 characters"),
        (lambda site: site.web.get("/films/none"), 404, "no such film"),
        (lambda site: site.web.get("/films/none/events"), 404, "no such film"),
        (lambda site: site.web.delete("/films/none"), 404, "no such film"),
    ],
    ids=["what no node has", "no frames", "gpus below zero", "a long key", "looking", "following", "canceling"],
)
def test_what_cannot_be_is_told_with_its_reason(
    site: Site, ask: Callable[[Site], httpx2.Response], status: int, said: str
) -> None:
    answer = ask(site)

    assert answer.status_code == status
    assert said in str(answer.json()["detail"])


@pytest.mark.parametrize(("away", "back"), [("pause", "resume"), ("kill", "restart")])
def test_while_redis_is_away_all_are_told_to_come_again_and_who_follows_waits(
    site: Site, server: RedisServer, film: str, away: str, back: str
) -> None:
    follows = site.events(film)
    assert next(follows)["state"] in ("queued", "started")

    getattr(server, away)()
    try:
        answers = _ask_all(site, film)
        await_state(follows, "unavailable")
    finally:
        getattr(server, back)()

    assert [answer.status_code for answer in answers] == [503] * 4
    assert {answer.headers["retry-after"] for answer in answers} == {"5"}
    assert "redis" not in "".join(answer.text for answer in answers).lower()
    await_state(follows, "started")
    assert site.web.delete(film).json() == {"canceled": True}
    await_state(follows, "canceled")


def test_who_follows_a_film_does_not_keep_the_site_from_ending(site: Site, film: str) -> None:
    follows = site.events(film)
    next(follows)

    assert site.stop() == 0
    # uvicorn tells of a request that it has canceled, if that ends before uvicorn does.
    said = site.output.read_text()
    assert said.count("Traceback") == said.count("CancelledError: Task cancelled, timeout graceful shutdown exceeded")
    follows.close()


def _ask_all(site: Site, film: str) -> list[httpx2.Response]:
    """Everything that can be asked, at once; the client's own limit of time is what ends this if it hangs."""
    asked: list[Callable[[], httpx2.Response]] = [
        lambda: site.convert(SHORT),
        lambda: site.web.get(film),
        lambda: site.web.get(f"{film}/events"),
        lambda: site.web.delete(film),
    ]
    with ThreadPoolExecutor(len(asked)) as threads:
        return list(threads.map(lambda ask: ask(), asked))


def await_state(follows: Iterator[dict[str, Any]], state: str) -> None:
    """Wait until somebody who follows a film is told this."""
    assert any(told["state"] == state for told in follows)
