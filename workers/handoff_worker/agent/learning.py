"""What is learned of functions that have finished here: a few samples of each name, told with the next heartbeat."""

from __future__ import annotations

from handoff.ledger.fields import FIELDS
from handoff.ledger.learned import write_sample
from handoff.ledger.texts.usage import read_usage, write_usage
from handoff_worker.agent.delivery import Result
from handoff_worker.agent.started import Started

NOTHING = ("", write_usage(None, None, None))
"""Of what has used nobody knows what."""

MOST_NAMES, MOST_OF_ONE = 32, 4
"""Names that one heartbeat tells of, and samples of each: however many have ended, its script is short."""

LONGEST_NAME = 1024
"""Of longer ones nothing is learned."""


_CODE = FIELDS["code"].name.encode()


class Learning:
    """Keeps what the next heartbeat tells."""

    def __init__(self) -> None:
        self._samples: dict[bytes, list[tuple[Started, str]]] = {}

    def note(self, started: Started, result: Result) -> None:
        """A function has finished: keep what it has used, if there is room."""
        samples = self._samples.get(code := started.job.get(_CODE, b""))
        if samples is not None:
            if len(samples) < MOST_OF_ONE:
                samples.append((started, result.usage))
        elif code and result.usage not in NOTHING and len(code) <= LONGEST_NAME and len(self._samples) < MOST_NAMES:
            self._samples[code] = [(started, result.usage)]

    def take(self) -> list[bytes | str | int]:
        """Take what there is to tell, as the script takes it."""
        kept, self._samples = self._samples, {}
        return [
            value
            for code, samples in kept.items()
            for started, usage in samples
            for value in (code, *write_sample(started.id, read_usage(usage), started.cost))
        ]
