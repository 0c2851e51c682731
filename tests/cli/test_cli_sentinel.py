"""Commands on a master behind real sentinels."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

import pytest

from handoff.client.cluster import Cluster
from support import need_redis_server
from support.command_line import handoff, said
from support.sentinels import Watched


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    need_redis_server()
    with Watched(tmp_path_factory.mktemp("watched")) as watched:
        yield watched


@pytest.fixture
def cluster(watched: Watched) -> Iterator[Cluster]:
    with Cluster(watched.url, namespace=f"t{uuid.uuid4().hex[:12]}") as cluster:
        cluster.register_node("a", {"cpu": 2})
        yield cluster


@pytest.mark.parametrize("by", ["option", "HANDOFF_REDIS_URL", "REDIS_URL"])
def test_status_is_told_by_the_address_of_sentinels(
    watched: Watched, cluster: Cluster, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = cluster.enqueue("tasks:work")
    options = ["--url", watched.url] if by == "option" else []
    if not options:
        monkeypatch.delenv("HANDOFF_REDIS_URL", raising=False)
        monkeypatch.setenv(by, watched.url)

    result = handoff("status", handle.id, "--json", *options, "--namespace", cluster.namespace)

    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["status"] == "queued"


def test_commands_follow_a_failover(watched: Watched, cluster: Cluster) -> None:
    handle = cluster.enqueue("tasks:work")
    to = ("--url", watched.url, "--namespace", cluster.namespace)

    old = watched.kill_master()

    assert handoff("status", handle.id, *to).exit_code == 0
    assert handoff("cancel", handle.id, *to).exit_code == 0
    assert handle.status == "canceled"
    watched.restart(old)


def test_an_unknown_service_is_told_in_one_line(watched: Watched) -> None:
    result = handoff("status", "--url", watched.url_of(watched.sentinels, service="mian"))

    assert result.exit_code == 1
    assert "its sentinels watch 'main' and not 'mian'" in said(result)
    assert watched.password not in said(result)


def test_no_node_is_told_with_the_address_of_the_sentinels_and_without_a_password(watched: Watched) -> None:
    result = handoff("nodes", "--url", watched.url, "--namespace", uuid.uuid4().hex)

    assert f"redis+sentinel://127.0.0.1:{watched.sentinels[0]}/main/0" in result.output
    assert watched.password not in result.output
