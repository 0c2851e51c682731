"""The scripts: each is one step that nothing comes between. A call that is repeated, or comes late, runs them again."""

from __future__ import annotations

from collections.abc import Sequence

from model.explored.books import Books, emit
from model.explored.seen_events import NODES, write_id, write_units
from model.explored.state import Id, State
from model.explored.worlds import World

Told = Sequence[tuple[Id, str]]


class Scripts:
    def __init__(self, world: World, without: str = "") -> None:
        self.books = Books(world, without)
        self._world, self._keeps = world, self.books.keeps

    def submit(self, s: State, function: int) -> None:
        if s.functions[function].state and self._keeps("token"):
            return
        if self._world.functions[function].is_delayed:
            self.books.later(s, function)
        else:
            self.books.admit(s, function)
            self._hand_over(s, function)

    def _hand_over(self, s: State, function: int) -> None:
        """Start what was placed where an agent waits for it, under the number of its next call."""
        job = s.functions[function]
        at = job.node
        node = s.nodes[at]
        if job.state == "queued" and node.queue == [function] and node.is_ready and not s.agents[at].is_dead:
            node.queue, node.is_ready = [], False
            op = node.op + self._keeps("by the next call")
            self._start(s, at, function, op)
            s.hints.append((at, node.epoch, op, (function, job.placement)))

    def end_delay(self, s: State, function: int) -> None:
        if s.functions[function].state == "delayed" or not self._keeps("due once"):
            self.books.admit(s, function)

    def finish(self, s: State, at: int, epoch: int, op: int, told: Told, room: int) -> list[Id] | None:
        """Store results, give back, wake, take. -> what was started under that number; None: the agent is stale"""
        node = s.nodes[at]
        if node.epoch != epoch and self._keeps("epoch"):
            return None
        is_old = op < node.op and self._keeps("old calls")
        if is_old or (op == node.op and self._keeps("call once")):
            return sorted(id for id, by in node.running.items() if by == op)
        for id, kind in told:
            self._store(s, at, id, kind)
        self.books.wake(s, at)
        handed = [] if self._keeps("told once more") else list(node.running)
        left = self._take(s, at, op, room)
        node.is_ready = self._world.hands_over and left > 0
        self.books.wake(s, at)
        node.op = op
        return sorted(id for id, by in node.running.items() if by == op and id not in handed)

    def _store(self, s: State, at: int, id: Id, kind: str) -> None:
        node, (function, placement) = s.nodes[at], id
        job = s.functions[function]
        if id not in node.held and self._keeps("call once"):
            return
        node.running.pop(id, None)
        self.books.give_back(s, at, id, kind)
        if job.placement != placement or job.state != "started":
            return
        if job.is_canceled:
            self.books.end_canceled(s, function)
        elif kind == "unstarted":
            job.attempts -= self._keeps("unstarted")
            self.books.admit(s, function)
        elif kind == "finished":
            job.state = "finished"
        else:
            self.books.failed(s, function, has_agent=True)

    def _take(self, s: State, at: int, op: int, room: int) -> int:
        """-> the room that is left"""
        node = s.nodes[at]
        if (node.is_draining and self._keeps("drained takes none")) or not node.is_up:
            self.books.hand_back(s, at, "handed back")
            return 0
        while room and node.queue:
            function = node.queue.pop(0)
            job = s.functions[function]
            if job.node != at or (job.state != "queued" and self._keeps("cancel takes off")):
                continue
            self._start(s, at, function, op)
            room -= 1
        return room

    def _start(self, s: State, at: int, function: int, op: int) -> None:
        job, node = s.functions[function], s.nodes[at]
        id = (function, job.placement)
        job.state = "started"
        job.attempts += self._keeps("attempts")
        node.running[id] = op
        retries = self._world.functions[function].retries
        emit(
            s, "started", id=write_id(id), node=NODES[at], epoch=str(node.epoch), attempt=str(job.attempts),
            retries=str(retries),
        )  # fmt: skip

    def beat(self, s: State, at: int, epoch: int, has: Sequence[Id]) -> tuple[list[Id], list[Id]] | None:
        """Compare what an agent runs with the books. -> what it is to stop, and what has to run; None: it is stale"""
        node = s.nodes[at]
        if node.epoch != epoch:
            return None
        stops = [id for id in has if id not in node.held]
        asked = []
        for id in sorted(node.held):
            job = s.functions[id[0]]
            is_its_last = job.placement == id[1]
            if id in has and (not is_its_last or job.state not in ("started", "queued") or job.is_canceled):
                stops.append(id)
            if id in node.running or not is_its_last:
                asked.append(id)
        return stops, asked

    def deny(self, s: State, at: int, epoch: int, op: int, ids: Sequence[Id]) -> None:
        """Hear that of these, which a beat has asked for, an agent runs nothing."""
        node = s.nodes[at]
        if node.epoch != epoch:
            return
        for id in ids:
            if id not in node.held:
                continue
            if id in node.running:
                if node.running[id] > op and self._keeps("old denials"):
                    continue
                s.broken = "none lost on a live node"
                self.books.recover_one(s, at, id)
            elif s.functions[id[0]].placement != id[1]:
                self.books.give_back(s, at, id, "gone")
        self.books.wake(s, at)

    def register(self, s: State, at: int) -> int:
        """-> the epoch; 0 = what is left of the life before is to be given back first"""
        node = s.nodes[at]
        if node.is_up and not node.is_its_agents:
            self.books.abandon(s, at, "replaced")
        if not node.is_up:
            if node.is_left and self._keeps("emptied first"):
                return 0
            node.epoch, node.is_up, node.op = node.epoch + 1, True, 0
        node.is_its_agents = True
        units = write_units(self._world.nodes[at])
        emit(s, "node", node=NODES[at], change="registered", epoch=str(node.epoch), units=units, devices="")
        self._open(s, at)
        return node.epoch

    def drain(self, s: State, at: int) -> None:
        """Close a node. Whoever did is gone at once: what stands on its queue is handed back by its agent's calls."""
        s.nodes[at].is_draining = True
        emit(s, "node", node=NODES[at], change="draining")

    def undrain(self, s: State, at: int) -> None:
        s.nodes[at].is_draining = False
        emit(s, "node", node=NODES[at], change="undrained")
        self._open(s, at)

    def _open(self, s: State, at: int) -> None:
        if self._keeps("opened wakes"):
            self.books.fill(s, at)
