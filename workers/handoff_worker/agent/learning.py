"""What is learned of functions that have finished here: a few samples of each name, told with the next heartbeat."""

from __future__ import annotations

from handoff.ledger.fields import FIELDS
from handoff.ledger.learned import LEARN_TTL_S, id_field, write_sample
from handoff.ledger.texts.usage import read_usage, write_usage
from handoff_worker.agent.delivery import Result
from handoff_worker.agent.started import Started

NOTHING = ("", write_usage(None, None, None))
"""Of what has used nobody knows what."""

MOST_NAMES, MOST_OF_ONE = 32, 4
"""Names that one heartbeat tells of, and samples of each: however many have ended, its script is short."""

MOST_IN_RUNS = 32
"""Of runs it tells so many samples more: there it counts how long each function took."""

LONGEST_NAME = 1024
"""Of longer ones nothing is learned."""

_CODE, _RUN, _FUNCTION = (FIELDS[name].name.encode() for name in ("code", "run", "function"))


class Learning:
    """Keeps what the next heartbeat tells."""

    def __init__(self, ttl_s: int = LEARN_TTL_S) -> None:
        """`ttl_s`: for how long Redis is to keep it; 0 = nothing is learned."""
        self.ttl_s = ttl_s
        self._samples: dict[bytes, list[tuple[Started, str]]] = {}
        self._beyond = 0  #: samples that are kept for they are of runs

    def note(self, started: Started, result: Result) -> None:
        """A function has finished, or was stopped for its memory: keep what it has used, if there is room."""
        samples = self._samples.get(code := started.job.get(_CODE, b""))
        if samples is None:
            is_known = bool(code) and result.usage not in NOTHING and len(code) <= LONGEST_NAME
            if is_known and len(self._samples) < MOST_NAMES and self.ttl_s:
                self._samples[code] = [(started, _used(result))]
        elif len(samples) < MOST_OF_ONE:
            samples.append((started, _used(result)))
        elif self._beyond < MOST_IN_RUNS and _RUN in started.job:
            self._beyond += 1
            samples.append((started, _used(result)))

    def take(self) -> list[bytes | str | int]:
        """Take what there is to tell, as the script takes it."""
        kept, self._samples, self._beyond = self._samples, {}, 0
        return [
            value
            for code, samples in kept.items()
            for started, usage in samples
            for value in (code, *write_sample(started.id, read_usage(usage), started.cost), _id_field(started))
        ]


def _used(result: Result) -> str:
    """What is learned of it: of one that was stopped not how long it took, for it would have gone on."""
    if result.kind != "exceeded":
        return result.usage
    return write_usage(read_usage(result.usage).memory, None, None)


def _id_field(started: Started) -> int | str:
    """By what the function is known again in the next run of its graph; '' = it is in none."""
    return id_field(started.job.get(_FUNCTION, b"")) if _RUN in started.job else ""
