"""The events held to the rules of the model: nothing is ever reserved that a node has not, nor started twice."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from campaign.watching import Event
from model.refused import Refused
from model.replay import replay


def overruns(events: Sequence[Event], touched: Collection[str]) -> list[str]:
    """The first event that cannot be, or what is still reserved in the end; rq's tools have touched these functions."""
    try:
        replay((event.fields for event in events), touched).end(ended=False)
    except Refused as refused:
        return [str(refused)]
    return []
