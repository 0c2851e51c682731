"""How long keys are kept, by the clock of the server that keeps them: however slow a test is, what it says holds."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import redis

FOR_EVER = -1
"""As users say it, and as servers answer."""


class Expiry:
    """Made before keys are told when to expire."""

    def __init__(self, client: redis.Redis) -> None:
        self._client: Any = client
        self._since_ms = self._now_ms()

    def check(self, seconds: float, keys: Collection[bytes | str]) -> None:
        """Raise AssertionError unless each key expires so long after some moment since this was made.

        Where that time is over already, the key may be gone. A key that is never to expire is kept `FOR_EVER`.
        """
        assert keys
        found = self.kept_for(keys, [seconds])
        assert set(found.values()) == {seconds}, {key: self._client.pttl(key) for key in keys}

    def kept_for(self, keys: Collection[bytes | str], allowed: Collection[float]) -> dict[bytes | str, float | None]:
        """By key, which of these many seconds it was told to live since this was made; None = none of them."""
        left_ms = {key: self._client.pttl(key) for key in keys}
        passed_ms = self._now_ms() - self._since_ms
        return {
            key: next((seconds for seconds in allowed if _is_left(seconds, left, passed_ms)), None)
            for key, left in left_ms.items()
        }

    def _now_ms(self) -> int:
        seconds, micros = self._client.time()
        return int(seconds) * 1000 + int(micros) // 1000


def _is_left(kept_s: float, left_ms: int, passed_ms: int) -> bool:
    """Whether so much may be left of it; the server answers -1 for what never expires, and -2 for what is gone."""
    if FOR_EVER in (kept_s, left_ms):
        return kept_s == left_ms
    # Both clocks are read in whole milliseconds.
    return kept_s * 1000 - passed_ms - 1 <= max(0, left_ms) <= kept_s * 1000 + 1
