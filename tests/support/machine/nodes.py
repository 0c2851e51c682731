"""What agents and operators do to nodes."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import strategies as st

from handoff.errors import InvalidResources, NodeIsLeased, UnknownNode
from handoff.words.resources import UNIT
from support.agent import FakeAgent, NameTaken, Stale
from support.machine.both import Both, external_of
from support.machine.draws import EXTERNALS, NAMES, Offer, draw_offer


class Nodes(Both):
    """Nodes come and go, are drained and quiet, and share."""

    # Nodes.

    def register_static(self, data: st.DataObject) -> None:
        self._register(data.draw(NAMES), draw_offer(data))
        self._settle()

    def register_agent(self, data: st.DataObject) -> None:
        """Sometimes one that knows that the process of the one before it is gone."""
        agent = data.draw(st.sampled_from(self.agents))
        node = self.oracle.nodes.get(agent.name)
        knows = node is not None and node.incarnation not in ("", agent.incarnation) and data.draw(st.booleans())
        agent.external = data.draw(EXTERNALS)
        self._come_up(agent, draw_offer(data, slots=2), node.incarnation if node and knows else "")
        self._settle()

    def deregister(self, data: st.DataObject) -> None:
        if data.draw(st.booleans()):
            agent = self._agent(data)
            assert agent.goodbye() == self.oracle.deregister(agent.name, agent.incarnation)
        elif self.oracle.deregister(name := data.draw(NAMES)):
            self.tracker.deregister_node(name)
        else:
            with pytest.raises(UnknownNode):
                self.tracker.deregister_node(name)
        self._settle()

    def beat(self, data: st.DataObject) -> None:
        """Sometimes the agent has lost a function that it was given."""
        agent = self._agent(data)
        if agent.runs and data.draw(st.integers(0, 3)) == 3:
            del agent.runs[data.draw(st.sampled_from(sorted(agent.runs)))]
        if data.draw(st.booleans()):
            agent.external = data.draw(EXTERNALS)
        self._beat(agent)
        self._settle()

    def quiet(self, data: st.DataObject) -> None:
        agent, on = self._agent(data), data.draw(st.booleans())
        if self.oracle.owns(agent.name, agent.incarnation):
            self.oracle.quiet(agent.name, on)
            agent.quiet(on)
        else:
            with pytest.raises(Stale):
                agent.quiet(on)
        self._settle()

    def drain(self, data: st.DataObject) -> None:
        name, deadline = data.draw(NAMES), data.draw(st.sampled_from([None, 0.4, 1, 3]))
        if self.oracle.drain(name, math.inf if deadline is None else deadline * 1000):
            self.cluster.drain(name, deadline)
        else:
            with pytest.raises(UnknownNode):
                self.cluster.drain(name, deadline)
        self._settle()

    def undrain(self, data: st.DataObject) -> None:
        drained = [node.name for node in self.oracle.nodes.values() if node.draining]
        name = data.draw(st.sampled_from([*drained, *drained, "c", "z"]))
        if self.oracle.undrain(name):
            self.cluster.undrain(name)
        else:
            with pytest.raises(UnknownNode):
                self.cluster.undrain(name)
        self._settle()

    def share(self, data: st.DataObject) -> None:
        names = st.sampled_from(["license", "license", "seat", "fpga"])
        self._share(data.draw(st.dictionaries(names, st.sampled_from([0, 1, 2, 3]), min_size=1, max_size=2)))
        self._settle()

    def limit_overtaking(self, data: st.DataObject) -> None:
        self._limit(data.draw(st.sampled_from([None, 1, 2, 3])), data.draw(st.sampled_from([None, 1, 3])))
        self._settle()

    def _register(self, name: str, offer: Offer) -> None:
        if self.oracle.register_node(name, offer.parsed(), offer.labels):
            self.cluster.register_node(name, offer.capabilities, offer.labels, offer.memory)
        else:
            with pytest.raises(NodeIsLeased):
                self.cluster.register_node(name, offer.capabilities, offer.labels, offer.memory)

    def _come_up(self, agent: FakeAgent, offer: Offer, dead: str = "") -> None:
        agent.capabilities, agent.labels, agent.device_memory = offer.capabilities, offer.labels, offer.memory
        external = external_of(agent)
        if self.oracle.register(
            agent.name, agent.incarnation, offer.parsed(), offer.labels, agent.lease_ms, dead, external
        ):
            agent.register(dead=dead)
        else:
            with pytest.raises(NameTaken):
                agent.register(dead=dead)

    def _share(self, amounts: dict[str, Any]) -> None:
        if self.oracle.share({name: UNIT * units for name, units in amounts.items()}):
            self.cluster.share(amounts)
        else:
            with pytest.raises(InvalidResources):
                self.cluster.share(amounts)

    def _limit(self, most: int | None, seconds: float | None) -> None:
        self.oracle.overtaking.most = most
        self.oracle.overtaking.longest_ms = None if seconds is None else round(seconds * 1000)
        self.cluster.limit_overtaking(most, seconds)
