"""The events played again: nothing is ever reserved that a node has not."""

from __future__ import annotations

from collections.abc import Sequence

from campaign.graphs import AT_A_TIME
from campaign.watching import Event
from handoff.ledger.texts.cost import read_cost
from handoff.words.resources import UNIT
from support.hammer.replay import Node, Replay

TOKEN_OF_A_RUN = "run."
"""How the name of what limits one run begins; no event tells how much there is of it."""


class Story(Replay):
    """The replay without what is promised to who was overtaken, for that takes the ranks of what is gone by now."""

    def _check_promise(self, event: dict[str, str], node: Node, cost: dict[str, int]) -> None:
        return

    def play(self, events: list[dict[str, str]]) -> None:
        for event in events:
            cost = read_cost(event.get("cost", ""))
            for name in cost:
                if name.startswith(TOKEN_OF_A_RUN):
                    self.tokens.units[name] = AT_A_TIME * UNIT
        super().play(events)


def overruns(events: Sequence[Event]) -> list[str]:
    """The first event at which more was reserved than there is, or something else that cannot be."""
    story = Story({})
    for event in events:
        try:
            story.play([dict(event.fields)])
        except (AssertionError, KeyError) as error:
            return [f"{error!r} at {dict(event.fields)}"]
    return [f"{id} is held at the end" for id in story.held]
