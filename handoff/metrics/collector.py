"""The same in the words of prometheus_client."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from handoff.errors import HandoffError
from handoff.metrics.families import Family
from handoff.metrics.reading import Now, Reading
from handoff.metrics.samples import Sample, samples_of

logger = logging.getLogger(__name__)


class NamespaceCollector(Collector):
    """One namespace, read when Prometheus asks."""

    def __init__(self, namespace: str, reading: Reading) -> None:
        self._namespace = namespace
        self._reading = reading
        self._told = ""  #: what is wrong with Redis, as it was told last

    def collect(self) -> Iterator[Metric]:
        """All families. Of a Redis that is away what is known beside it."""
        figures = self._reading.figures(self._now())
        for family, samples in samples_of(self._namespace, figures):
            yield _metric(family, samples)

    def _now(self) -> Now | None:
        try:
            now = self._reading.now()
        except HandoffError as error:
            # Once, and not at each scrape.
            if str(error) != self._told:
                self._told = str(error)
                logger.warning("%s", error)
            return None
        self._told = ""
        return now


def _metric(family: Family, samples: Sequence[Sample]) -> Metric:
    # It puts the ending of a counter behind its name by itself.
    metric = Metric(family.name.removesuffix("_total"), family.help, family.kind)
    for sample in samples:
        names = ("le",) if sample.part == "_bucket" else family.labels
        # The sum and the count of a summary have none.
        labels = dict(zip(names, sample.labels, strict=bool(sample.labels)))
        metric.add_sample(f"{family.name}{sample.part}", labels, sample.value)
    return metric
