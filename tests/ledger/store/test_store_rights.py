"""Whoever is not let in, or may not do something, is told so and what to do: by the client, the agent and commands."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from handoff.client.cluster import Cluster
from handoff.errors import FunctionCanceled, StoreUnavailable
from handoff.ledger.asking import may_pass
from handoff.local.server import RedisServer
from support.agent_processes import Agents
from support.processes import environment
from support.users import add_user
from support.waiting import LIMIT_S, wait_until

BOTH, *ONE_FORM = re.findall(
    r"ACL SETUSER handoff on >secret (.*)", (Path(__file__).parents[3] / "workers/README.md").read_text()
)
"""The rights that operators are told to give: for both forms of operations, and the least for each."""

Login = Callable[..., str]


@pytest.fixture
def login(server: RedisServer) -> Login:
    """The address for a new user with these rights."""
    return partial(add_user, server)


def end(command: list[str], url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command],
        env={**environment(), "HANDOFF_REDIS_URL": url},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )


NODE = ["handoff", "node", "--name", "a", "--cpu", "1", "--gpu", "0", "--no-probe"]


@pytest.mark.parametrize(
    ("rights", "call", "lacks"),
    [
        (["~*", "&*", "-@all"], lambda cluster: cluster.discover_nodes(), "'zrange'"),
        (["~*", "&*", "+@all", "-fcall", "-evalsha"], lambda cluster: cluster.enqueue("tasks:f"), "'evalsha'"),
        (["~*", "&*", "+@all", "-hset"], lambda cluster: cluster.enqueue("tasks:f"), "'hset'"),
        (["~other*", "&*", "+@all"], lambda cluster: cluster.enqueue("tasks:f"), "access a key"),
        (["~*", "&*", "+@all", "-xread"], lambda cluster: cluster.events(), "'xread'"),
    ],
    ids=["a read", "scripts", "in the midst of a script", "keys", "a stream"],
)
def test_a_missing_permission_is_told_by_its_name(
    login: Login, rights: list[str], call: Callable[[Cluster], object], lacks: str
) -> None:
    with (
        Cluster(login(*rights), namespace=f"t{uuid.uuid4().hex}") as cluster,
        pytest.raises(StoreUnavailable) as caught,
    ):
        call(cluster)

    rule = "give this user the rights that workers/README.md lists"
    assert re.fullmatch(rf"Redis at \S+ does not permit that \([^()]*{lacks}[^()]*\): {rule}", str(caught.value))
    assert "start it" not in str(caught.value)
    assert not may_pass(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize(
    ("user", "said"),
    [(":wrong", "it wants another user name or password"), ("", "it wants a password, and was given none")],
)
def test_a_login_that_is_wrong_or_missing_is_told(server: RedisServer, user: str, said: str) -> None:
    address = f"redis://{user}{'@' if user else ''}127.0.0.1:{server.port}/0"
    with Cluster(address) as cluster, pytest.raises(StoreUnavailable) as caught:
        cluster.discover_nodes()

    assert f"does not let this user in ({said}" in str(caught.value)
    assert "): correct the login in the address" in str(caught.value)
    assert not may_pass(caught.value)


@pytest.mark.parametrize("command", [NODE, ["handoff", "run", "time:time"], ["handoff", "nodes"]], ids=lambda it: it[1])
def test_agent_and_commands_tell_it_in_one_line_and_end(login: Login, command: list[str]) -> None:
    ended = end(command, login("~*", "&*", "+@all", "-hset", "-zrange"))

    assert ended.returncode == 1
    assert "does not permit that" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1, ended.stderr


def test_an_agent_that_may_not_hear_commands_does_not_register(login: Login, server: RedisServer) -> None:
    namespace = f"t{uuid.uuid4().hex}"

    ended = end([*NODE, "--namespace", namespace], login("~*", "resetchannels", "+@all"))

    assert ended.returncode == 1
    assert "does not permit that (No permissions to access a channel)" in ended.stderr
    with Cluster(server.url, namespace=namespace) as cluster:
        assert cluster.discover_nodes() == {}


@pytest.mark.parametrize("rights", [BOTH, *ONE_FORM], ids=["both", "functions", "scripts"])
def test_the_rights_that_operators_are_told_to_give_are_enough(login: Login, tmp_path: Path, rights: str) -> None:
    url = login(*rights.split())
    with Cluster(url, namespace=f"t{uuid.uuid4().hex}") as cluster, Agents(cluster, url, tmp_path) as agents:
        agents.start("a")
        assert cluster.enqueue("operator:add", 1, 2).result(timeout=LIMIT_S) == 3
        running = cluster.enqueue("time:sleep", 1000)
        wait_until(lambda: running.status == "started", "started")
        assert running.cancel()
        with pytest.raises(FunctionCanceled):
            running.result(timeout=LIMIT_S)


@pytest.mark.parametrize(("of", "lacks"), [(0, "+fcall"), (0, "+function|load"), (1, "+eval"), (1, "+evalsha")])
def test_of_the_least_rights_for_one_form_none_can_be_left_out(own_server: RedisServer, of: int, lacks: str) -> None:
    rights = ONE_FORM[of].split()
    assert lacks in rights
    url = add_user(own_server, *(right for right in rights if right != lacks))
    with Cluster(url, namespace="t") as cluster, pytest.raises(StoreUnavailable, match="does not permit"):
        cluster.register_node("a", {"cpu": 1})


def test_whoever_may_not_publish_leaves_nothing_half_written(login: Login, tmp_path: Path, server: RedisServer) -> None:
    namespace = f"t{uuid.uuid4().hex}"
    with (
        Cluster(server.url, namespace=namespace) as cluster,
        Cluster(login("~*", "resetchannels", "+@all"), namespace=namespace) as mute,
    ):
        cluster.register_node("a", {"cpu": 1})

        first, second = (mute.enqueue("tasks:f", cost={"cpu": 1}) for _ in range(2))
        assert (first.status, second.status) == ("queued", "waiting")
        assert first.cancel()
        assert second.status == "queued"
        assert second.cancel()

        assert cluster.tracker.available("a") == {"cpu": 1}
