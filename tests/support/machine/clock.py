"""What the clock and the server do."""

from __future__ import annotations

from hypothesis import strategies as st

from support.machine.both import Both

MOST_LEFT_TO_OTHERS = 3
"""Lapsed nodes, and reservations of theirs, that any script has done with in one slice."""


class Clock(Both):
    """Time passes, jumps and goes back; the server forgets its scripts."""

    # The clock and the server.

    def let_time_pass(self, data: st.DataObject) -> None:
        """While all agents do as they should."""
        for _ in range(data.draw(st.integers(1, 4))):
            self._step(1000)
            for agent in self.agents:
                if self.oracle.owns(agent.name, agent.incarnation):
                    self._beat(agent)
            self._settle()

    def step_the_clock(self, data: st.DataObject) -> None:
        """Leases lapse, delays and claims end, and it is for the next operation to notice."""
        self._step(data.draw(st.sampled_from([1, 400, 1000, 1000, 2000, 2000, 3000, 5000, 6000, 61_000, 3_600_000])))
        nodes = [node for node in self.oracle.nodes.values() if node.up and node.kind == "leased"]
        lapsing = sum(1 + len(node.holds) for node in nodes if node.lease_ends_ms <= self.oracle.now_ms)
        if lapsing > MOST_LEFT_TO_OTHERS or self.oracle.overtaking.held():
            self._settle()

    def set_the_clock_back(self, data: st.DataObject) -> None:
        self._step(-data.draw(st.sampled_from([1, 700, 2500])))

    def flush_the_scripts(self, _: st.DataObject) -> None:
        self.store.client.script_flush()
