"""What clients do through the tracker."""

from __future__ import annotations

import math

import pytest
from hypothesis import strategies as st

from handoff.errors import ResourcesUnavailable, UnknownNode
from handoff.words.function import Function
from handoff.words.resources import amounts
from support.machine.both import Both
from support.machine.draws import COSTS, NAMES, PLACES
from support.oracle.model import Claim


class Claims(Both):
    """Claims are made, released and asked about."""

    # Claims.

    def request(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(4 * list(self.oracle.nodes) + ["z"]))
        cost, ttl = data.draw(COSTS), data.draw(st.sampled_from([None, 0.4, 1, 2]))
        try:
            reservation = self.tracker.request(name, cost, ttl=ttl)
        except UnknownNode:
            assert self.oracle.request("~", name, cost) is None
        except ResourcesUnavailable as error:
            self._was_short(self.oracle.request("~", name, cost), error)
        else:
            claim = self.oracle.request(reservation.id, name, cost, math.inf if ttl is None else ttl * 1000)
            assert isinstance(claim, Claim)
            assert self.oracle.nodes[name].holds[claim].devices == reservation.devices
            self.claims.append(reservation)
        self._settle()

    def _was_short(self, missing: object, error: ResourcesUnavailable) -> None:
        assert isinstance(missing, dict)
        assert amounts(missing) == error.short

    def allocate(self, data: st.DataObject) -> None:
        functions = [
            Function(id, "module:f", cost=data.draw(COSTS), node=data.draw(st.sampled_from(PLACES)))
            for id in ("f", "g", "h")[: data.draw(st.integers(1, 3))]
        ]
        made = self.oracle.allocate(functions)
        if made is None:
            with pytest.raises(ResourcesUnavailable):
                self.tracker.allocate_and_claim(functions)
        else:
            for id, reservation in self.tracker.allocate_and_claim(functions).items():
                claim = made[id]
                claim.id = reservation.id
                self.oracle.claims[claim.id] = claim
                held = self.oracle.nodes[claim.node].holds[claim]
                assert (claim.node, held.devices) == (reservation.node, reservation.devices)
                self.claims.append(reservation)
        self._settle()

    def release(self, data: st.DataObject) -> None:
        """Of a claim that was made any time before, also one that is gone."""
        held = [claim for claim in self.claims if claim.id in self.oracle.claims]
        for reservation in self.claims and [data.draw(st.sampled_from(4 * held + self.claims))]:
            released = self.oracle.release(reservation.id)
            assert self.tracker.release(reservation) == released
        self._settle()

    def look(self, data: st.DataObject) -> None:
        name, cost = data.draw(NAMES), data.draw(COSTS)
        fits = self.oracle.fits(name, cost)
        assert self.tracker.resources_available(name, cost) == fits
        self._settle()
