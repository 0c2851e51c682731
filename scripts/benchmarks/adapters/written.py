"""How many results stand under keys of their own, asked once for each."""

from __future__ import annotations

from typing import Any

AT_ONCE = 500


class Written:
    """The keys of results in the order of their submits, and how many of them, from the first on, are there."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._keys: list[str] = []
        self._found = 0

    def expect(self, key: str) -> None:
        """One more was submitted."""
        self._keys.append(key)

    def count(self) -> int:
        """How many are there; those behind one that is missing are not counted yet."""
        while self._found < len(self._keys):
            asked = self._keys[self._found : self._found + AT_ONCE]
            pipeline = self._client.pipeline(transaction=False)
            for key in asked:
                pipeline.exists(key)
            there = pipeline.execute()
            reached = there.index(0) if 0 in there else len(there)
            self._found += reached
            if reached < len(asked):
                break
        return self._found
