"""What a cluster tells of itself, held to the rules of the model while it goes on."""

from __future__ import annotations

from collections.abc import Collection

from handoff.ledger.events import read_events
from handoff.ledger.store import Store
from model.replay import Replay


class Story:
    """The events of a store from their beginning; whatever the model does not allow raises `Refused`."""

    def __init__(self, store: Store) -> None:
        self.replay = Replay()
        self._store = store
        self._last = b"0-0"

    def read(self, touched: Collection[str] = ()) -> Replay:
        """Play what came since the last time; rq's tools have touched these functions before."""
        self.replay.touched.update(touched)
        while found := read_events(self._store, self._last, None):
            self.replay.play(found)
            self._last = found[-1][0]
        return self.replay
