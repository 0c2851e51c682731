"""The sentinels of a master, asked where it is: each for a moment, and first the one that knew the last time.

redis-py's own asks one that is away again and again, for seconds, and does not tell an unknown name from an outage.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoPermissionError
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError, Sentinel, SentinelConnectionPool

ANSWER_S = 1.0
"""How long one sentinel may take to be reached, and to answer."""


LOOK_S = 0.2
"""How often a client that has a connection asks whether its master is still the one."""

_LOOKING = 0.05
"""The largest share of all time that goes into these questions, where sentinels are away or silent."""


class UnknownService(MasterNotFoundError):
    """Sentinels answer, and watch no master of that name."""


class BeingReplaced(MasterNotFoundError):
    """Its sentinel replaces the master now: what it still takes is lost."""


class Sentinels(Sentinel):
    """redis-py's, with rules of its own for whom it asks, and for what it says."""

    def __init__(
        self,
        hosts: Iterable[tuple[str, int]],
        settings: Mapping[str, Any],
        *,
        login: Mapping[str, str] | None = None,
        min_other_sentinels: int = 0,
        force_master_ip: str | None = None,
    ) -> None:
        """`settings` are those of a connection to a sentinel. One that wants a login where they have none gets `login`.

        A master says that it is where its sentinels say, or at `force_master_ip`.
        """
        own = {
            "socket_timeout": ANSWER_S,
            "socket_connect_timeout": ANSWER_S,
            "socket_keepalive": True,
            "retry": Retry(NoBackoff(), 0),
            "protocol": 2,
        }
        super().__init__(  # type: ignore[no-untyped-call]
            hosts, min_other_sentinels=min_other_sentinels, sentinel_kwargs={**settings, **own}
        )
        self.login = {} if settings.get("username") or settings.get("password") else dict(login or {})
        self.force_master_ip = force_master_ip
        self._knew: Any = None  #: the sentinel that told the master the last time

    def discover_master(self, service_name: str) -> tuple[str, int]:
        """Give the master's address.

        Raises `MasterNotFoundError`, `BeingReplaced`, `UnknownService` and `AuthenticationError`.
        """
        said: list[str] = []
        watched: dict[str, Any] = {}
        is_refused = is_answered = False
        # Others may ask at the same time: the list itself stays as it is.
        for sentinel in sorted(self.sentinels, key=lambda each: each is not self._knew):
            try:
                masters = self._masters(sentinel)
                state = masters.get(service_name)
                if state and "failover_in_progress" in state["flags"]:
                    return self._successor(sentinel, service_name, state)
            except BeingReplaced:
                raise
            except redis.RedisError as error:
                is_refused |= isinstance(error, redis.AuthenticationError | NoPermissionError)
                said.append(f"{place_of(sentinel)} {_reason(error)}")
                continue
            if state and self.check_master_state(state, service_name):  # type: ignore[no-untyped-call]
                self._knew = sentinel
                return self.force_master_ip or state["ip"], state["port"]
            is_answered = True
            watched |= masters
            said.append(f"{place_of(sentinel)} {_opinion(state)}")
        told = ", ".join(said)
        if service_name in watched:
            raise MasterNotFoundError(f"its sentinels know no master of {service_name!r} now: {told}")
        if is_answered:
            names = " and ".join(map(repr, sorted(watched))) or "nothing"
            raise UnknownService(f"its sentinels watch {names} and not {service_name!r}: {told}")
        if is_refused:
            raise redis.AuthenticationError(f"{told}: sentinels take sentinel_password of the address")
        raise MasterNotFoundError(f"no sentinel says where {service_name!r} is: {told}")

    def _masters(self, sentinel: Any) -> dict[str, Any]:
        try:
            return dict(sentinel.sentinel_masters())
        except redis.AuthenticationError:
            pool = sentinel.connection_pool
            if all(pool.connection_kwargs.get(name) == word for name, word in self.login.items()):
                raise
            pool.connection_kwargs.update(self.login)
            # Connections that it has made keep what they were made with.
            pool.disconnect()
            pool.reset()
            return dict(sentinel.sentinel_masters())

    def _successor(self, sentinel: Any, service: str, state: Mapping[str, Any]) -> tuple[str, int]:
        """Where the new master is, which is told before the list of masters tells it."""
        host, port = sentinel.sentinel_get_master_addr_by_name(service)
        host = host.decode() if isinstance(host, bytes) else host
        if (host, port) == (state["ip"], state["port"]):
            raise BeingReplaced(f"{place_of(sentinel)} replaces {service!r} now")
        self._knew = sentinel
        return self.force_master_ip or host, port

    def close(self) -> None:
        """Close the connections; who asks later opens new ones."""
        for sentinel in self.sentinels:
            sentinel.close()


class MasterPool(SentinelConnectionPool):
    """redis-py's, that also leaves a master which was replaced and goes on.

    One that is replaced by hand, or from which only its sentinels were cut off, takes writes as before, until it is
    told to be a replica: some 15 s later, and then they are lost.
    """

    _look_at_s = -math.inf

    def get_connection(self, *arguments: Any, **options: Any) -> Any:
        """Give a connection to the master."""
        if self.is_due:
            self.look()
        return super().get_connection(*arguments, **options)

    @property
    def is_due(self) -> bool:
        """Whether it is time to look who the master is."""
        return self.is_master and time.monotonic() >= self._look_at_s

    def look(self) -> None:
        """Ask who the master is. Raises `BeingReplaced`."""
        now_s = time.monotonic()
        # For the threads that come meanwhile.
        self._look_at_s = now_s + LOOK_S
        # Without an answer a connection is as good as it was, and who has none is told why when it connects.
        try:
            self.get_master_address()  # type: ignore[no-untyped-call]
        except BeingReplaced:
            self._look_at_s = now_s
            raise
        except redis.RedisError:
            took_s = time.monotonic() - now_s
            self._look_at_s = now_s + max(LOOK_S, took_s / _LOOKING)


def own_sentinels(given: Any) -> Any:
    """The same sentinels, asked by the rules above; what is no plain one of redis-py has its own."""
    if type(given) not in (Sentinel, Sentinels):
        return given
    addresses = [each.connection_pool.connection_kwargs for each in given.sentinels]
    own = isinstance(given, Sentinels)
    return Sentinels(
        [(each["host"], each["port"]) for each in addresses],
        given.sentinel_kwargs,
        login=given.login if own else None,
        min_other_sentinels=given.min_other_sentinels,
        force_master_ip=given.force_master_ip if own else getattr(given, "_force_master_ip", None),
    )


def place_of(sentinel: Any) -> str:
    """Where a sentinel is, as in an address."""
    settings = sentinel.connection_pool.connection_kwargs
    return place(settings["host"], settings["port"])


def place(host: str, port: int) -> str:
    """A host and its port, as in an address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _opinion(state: Mapping[str, Any] | None) -> str:
    if state is None:
        return "does not watch it"
    return "says that it is down" if state["is_sdown"] or state["is_odown"] else "sees too few others"


def _reason(error: redis.RedisError) -> str:
    text = re.sub(r"^Error -?\d+ connecting to \S+\. ", "", str(error)).strip().rstrip(".")
    if isinstance(error, redis.AuthenticationError | NoPermissionError):
        return f"refuses ({text})"
    return f"is no sentinel ({text})" if isinstance(error, redis.ResponseError) else f"is away ({text})"
