"""What a server says when it refuses, and what is made of it: what is so, and what to do."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
import redis
from redis import exceptions

from handoff.client.cluster import Cluster
from handoff.errors import StoreUnavailable
from handoff.ledger.unavailable import is_forbidden, unavailable

RIGHTS = "give this user the rights that workers/README.md lists"
OLDER = "The user executing the script can't run this command or subcommand"
LOGIN = "correct the login in the address"
SHA = "5c76bfd3862de7f3a62ba95768bab285fc287ee2"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            redis.ConnectionError("Error 111 connecting to h:1. Connection refused."),
            "connecting to h:1: Connection refused): start it",
        ),
        (
            redis.AuthenticationError("WRONGPASS no."),
            f"it wants another user name or password, and says: WRONGPASS no): {LOGIN}",
        ),
        (redis.AuthenticationError("Authentication required."), f"it wants a password, and was given none): {LOGIN}"),
        (exceptions.NoPermissionError("User u may not."), f"does not permit that (User u may not): {RIGHTS}"),
        (
            redis.ResponseError(f"ACL failure in script: User u may not script: {SHA}, on @user_script:69."),
            f"does not permit that (User u may not): {RIGHTS}",
        ),
        (
            redis.ResponseError(f"Error running script (call to f_{SHA}): @user_script:2: @user_script: 2: {OLDER}"),
            f"does not permit that ({OLDER}): {RIGHTS}",
        ),
        (redis.ResponseError("DB index is out of range"), "): name a database that it has"),
        (redis.ConnectionError("max number of clients reached"), "): raise its maxclients"),
        (redis.ResponseError("MISCONF Redis is configured to save RDB snapshots. It cannot."), "): see its log"),
        (redis.ResponseError("NOREPLICAS Not enough good replicas to write."), "): start its replicas"),
        (redis.ResponseError("DENIED Redis is running in protected mode."), "): give it a password"),
        (redis.ResponseError("BUSY Redis is busy running a script."), "): wait until that script has ended"),
        (exceptions.BusyLoadingError("Redis is loading the dataset in memory"), "): wait until it has loaded"),
        (
            exceptions.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."),
            "it is full: command not allowed",
        ),
        (exceptions.ReadOnlyError("You can't write against a read only replica."), "): give the address of the master"),
        (
            redis.ConnectionError("[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)"),
            "): correct the scheme of the address",
        ),
    ],
    ids=lambda it: "" if isinstance(it, str) else str(it)[:30],
)
def test_a_refusal_is_told_with_what_to_do(error: redis.RedisError, said: str) -> None:
    text = str(unavailable("redis://h:1/0", error))

    assert text.startswith("Redis at redis://h:1/0 ")
    assert said in text


@pytest.mark.parametrize("error", [None, redis.ConnectionError("x"), redis.ResponseError("user_script:2: nil value")])
def test_what_is_no_matter_of_permissions_is_none(error: Exception | None) -> None:
    assert not is_forbidden(error)


@pytest.fixture
def web_server() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    client, _ = listening.accept()
                except OSError:
                    return
                with client:
                    client.recv(1000)
                    client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_what_is_no_redis_is_told_in_one_sentence(web_server: int) -> None:
    with Cluster(f"redis://127.0.0.1:{web_server}/0") as cluster, pytest.raises(StoreUnavailable) as caught:
        cluster.register_node("a", {"cpu": 1})

    assert "what answers there is no Redis" in str(caught.value)
    assert str(caught.value).endswith("): correct the address")
