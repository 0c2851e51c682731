"""What tests of the metrics share: who scrapes the namespace of the test."""

from __future__ import annotations

import pytest

from handoff.client.cluster import Cluster
from support.scraping import Scraper


@pytest.fixture
def scraper(cluster: Cluster) -> Scraper:
    return Scraper(cluster.store)
