"""What is said on the channel on which rq, and Handoff, speak to the agent of a node."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from handoff.client.cluster import Cluster
from handoff.ledger.texts.handed import MARK, read_handed
from support.waiting import LIMIT_S

_MARK = "that was all"


class Ear:
    """Listens on one channel, from `ear` on."""

    def __init__(self, cluster: Cluster, subscription: Any, channel: str) -> None:
        self._cluster, self._subscription, self._channel = cluster, subscription, channel

    def heard(self) -> list[Any]:
        """What was said since the last time: messages come in the order in which they are published."""
        self._cluster.connection.publish(self._channel, json.dumps(_MARK))
        said: list[Any] = []
        while (each := _read(self._next())) != _MARK:
            said.append(each)
        return said

    def _next(self) -> bytes:
        while (message := self._subscription.get_message(timeout=LIMIT_S)) is None:
            continue
        data: bytes = message["data"]
        return data


def _read(data: bytes) -> Any:
    return read_handed(data) if data.startswith(MARK) else json.loads(data)


@contextmanager
def ear(cluster: Cluster, node: str) -> Iterator[Ear]:
    """Listen on rq's channel of a node's worker; the node may come later."""
    subscribe: Callable[..., Any] = cluster.connection.pubsub
    with subscribe() as subscription:
        subscription.subscribe(channel := f"rq:pubsub:{cluster.namespace}.{node}")
        assert subscription.get_message(timeout=LIMIT_S)["type"] == "subscribe"
        yield Ear(cluster, subscription, channel)
