"""What one scrape of the metrics is told."""

from __future__ import annotations

import re

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from handoff.ledger.store import Store
from handoff.metrics.collector import NamespaceCollector
from handoff.metrics.counted import Counting
from handoff.metrics.examined import Examining
from handoff.metrics.reading import Reading

_LINE = re.compile(r"([a-z_]+(?:\{.*\})?) (\S+)")


class Scraper:
    """Who asks again and again, by hand; the process that is asked stays the same."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.counting = Counting(store)
        self.examining = Examining(store, 0)

    def text(self) -> str:
        """What is told, read anew."""
        registry = CollectorRegistry()
        registry.register(NamespaceCollector(self.store.namespace, Reading(self.store, self.counting, self.examining)))
        return generate_latest(registry).decode()

    def scrape(self) -> dict[str, float]:
        """Every sample, by its name and labels as they stand in the text."""
        found = map(_LINE.fullmatch, self.text().splitlines())
        return {line[1]: float(line[2]) for line in found if line}
