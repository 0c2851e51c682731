"""Commands to this node on rq's channel for its worker: rq's own, hints of work on its queue, and what is handed over.

Hints may be lost: whoever reads them looks again by itself now and then. A subscription only listens, so that nothing
tells it when its connection has died silently, or leads to a server from which all others have moved on: the agent
says something to itself now and then. Nothing else here blocks once it is connected.
"""

from __future__ import annotations

import json
import logging
import uuid
from typing import Any

import redis

from handoff.errors import StoreUnavailable
from handoff.ledger.store import CONNECT_TIMEOUT_S, Store
from handoff.ledger.texts.handed import MARK, Handed, read_handed

logger = logging.getLogger(__name__)

WORK = "handoff-work"
"""An entry came onto an empty queue."""

BEAT = "handoff-beat"
"""There is something that only the answer of a heartbeat tells."""

_ECHO = "handoff-echo"
"""What an agent says to itself, to hear whether it still hears."""


class Hints:
    """The one subscribed connection of an agent."""

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._channel = store.keys("rq_channel", store.keys.queue(name))
        self._pubsub: Any = None
        self._expected = ""  #: the echo that is still to come

    @property
    def connected(self) -> bool:
        """Whether `fileno` may be asked."""
        return self._pubsub is not None

    def connect(self) -> None:
        """Subscribe. Raises `StoreUnavailable`."""
        client: Any = self._store.client
        pubsub = client.pubsub()
        try:
            pubsub.subscribe(self._channel)
            # What is published once this is confirmed is not missed.
            confirmed = pubsub.get_message(timeout=CONNECT_TIMEOUT_S)
        except redis.RedisError as error:
            pubsub.close()
            raise self._store.unavailable(error) from error
        if confirmed is None:
            pubsub.close()
            raise StoreUnavailable(self._store.address, "it does not confirm a subscription")
        # redis-py would take its own answers for the end of what has arrived; `listens` is enough.
        pubsub.connection.health_check_interval = 0
        self._pubsub, self._expected = pubsub, ""

    def check(self) -> None:
        """Subscribe, and leave it again. Raises as `connect`."""
        self.connect()
        self.close()

    @property
    def leads_to_all_others(self) -> bool:
        """Whether it is where the connections of the pool are: sentinels may name another master by now."""
        pool: Any = self._store.client.connection_pool
        return bool(pool.owns_connection(self._pubsub.connection))

    def fileno(self) -> int:
        """The socket, for the agent's selector. It changes when `connect` is called again."""
        return int(self._pubsub.connection._sock.fileno())

    def listens(self) -> bool:
        """Say something to this node, and tell whether it has heard what was said the last time. Raises as `read`."""
        if self._expected or not self.leads_to_all_others:
            return False
        self._expected = uuid.uuid4().hex
        return self._store.publish(self._channel, json.dumps({"command": _ECHO, "of": self._expected})) > 0

    def read(self) -> list[dict[str, Any] | Handed]:
        """Return the commands that have arrived. Raises `StoreUnavailable` when the connection is gone."""
        commands: list[dict[str, Any] | Handed] = []
        try:
            while (message := self._pubsub.get_message(timeout=0)) is not None:
                command = _parse(message.get("data"))
                if isinstance(command, Handed):
                    commands.append(command)
                elif command is not None and command["command"] == _ECHO:
                    if command.get("of") == self._expected:
                        self._expected = ""
                elif command is not None:
                    commands.append(command)
        except redis.RedisError as error:
            self.close()
            raise self._store.unavailable(error) from error
        return commands

    def close(self) -> None:
        """Drop the connection."""
        if self._pubsub is not None:
            self._pubsub.close()
            self._pubsub = None


def _parse(data: object) -> dict[str, Any] | Handed | None:
    """A command, or None: anybody may publish anything on the channel."""
    try:
        if isinstance(data, bytes) and data.startswith(MARK):
            return read_handed(data)
        command = json.loads(data) if isinstance(data, bytes) else None
    # What is nested too deeply is neither.
    except (ValueError, RecursionError):
        command = None
    if not isinstance(command, dict) or not isinstance(command.get("command"), str):
        logger.warning("ignoring a message on the command channel that is no command: %.80r", data)
        return None
    return command
