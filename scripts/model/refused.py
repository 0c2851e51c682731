"""What the rules say of an event that they do not allow."""

from __future__ import annotations

from collections.abc import Mapping


class Refused(Exception):
    """The first event of a stream that the rules do not allow: which it is, and why."""

    def __init__(self, rule: str, why: str, event: Mapping[str, str] | None = None, at: str = "") -> None:
        super().__init__(rule, why, event, at)
        self.rule = rule  #: of `rules.RULES`
        self.why = why
        self.event = event  #: None: it is what is missing at the end
        self.at = at  #: the id of the event, or its number

    def __str__(self) -> str:
        what = "at the end" if self.event is None else f"event {self.at} {_told(self.event)}"
        return f"{what}: {self.why} [{self.rule}]"


def _told(event: Mapping[str, str]) -> str:
    rest = " ".join(f"{name}={value}" for name, value in event.items() if name not in ("event", "at_ms"))
    return f"{event.get('event', '?')} {rest}"
