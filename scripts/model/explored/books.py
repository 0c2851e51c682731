"""What scripts share: placing, giving back, ending, losing a node. Each change writes the event that tells of it."""

from __future__ import annotations

from model.explored.seen_events import FUNCTIONS, NODES, write_id, write_units
from model.explored.state import Id, State
from model.explored.worlds import World


class Books:
    """The rules of one world; `without` is the guard that is left out."""

    def __init__(self, world: World, without: str = "") -> None:
        self.world = world
        self._without = without

    def keeps(self, guard: str) -> bool:
        return guard != self._without

    def is_open(self, s: State, at: int) -> bool:
        node = s.nodes[at]
        return (node.is_up or not self.keeps("not on lost")) and not node.is_draining

    def fits(self, s: State, function: int, at: int) -> bool:
        free = self.world.nodes[at] - s.nodes[at].used
        return self.world.functions[function].cost <= (free if self.keeps("fits") else self.world.nodes[at])

    # One function.

    def admit(self, s: State, function: int) -> None:
        """Place it, or let it wait."""
        for at in range(len(s.nodes)):
            if self.is_open(s, at) and self.fits(s, function, at):
                self.place(s, function, at)
                return
        s.functions[function].state = "waiting"
        emit(s, "waiting", job=FUNCTIONS[function], demand="")

    def place(self, s: State, function: int, at: int) -> None:
        job, node = s.functions[function], s.nodes[at]
        if self.keeps("placement") or job.placement == 0:
            job.placement += 1
        id, units = (function, job.placement), self.world.functions[function].cost
        node.held[id] = units
        node.used += units
        emit(s, "reserved", id=write_id(id), node=NODES[at], epoch=str(node.epoch), cost=write_units(units), devices="")
        job.state, job.node = "queued", at
        node.queue.append(function)

    def later(self, s: State, function: int) -> None:
        s.functions[function].state = "delayed"
        emit(s, "delayed", job=FUNCTIONS[function], until_ms="0")

    def cancel(self, s: State, function: int) -> None:
        job = s.functions[function]
        if job.is_canceled or job.state in ("", "finished", "failed", "canceled"):
            return
        job.is_canceled = True
        if job.state == "started" and self.keeps("cancel waits"):
            return
        is_placed = job.state in ("queued", "started")
        job.state = "canceled"
        if not is_placed:
            emit(s, "canceled", job=FUNCTIONS[function])
            return
        node = s.nodes[job.node]
        if self.keeps("cancel takes off"):
            node.queue = [each for each in node.queue if each != function]
        node.running.pop((function, job.placement), None)
        self.give_back(s, job.node, (function, job.placement), "canceled")
        self.wake(s, job.node)

    def failed(self, s: State, function: int, *, has_agent: bool) -> None:
        """What follows an attempt that failed."""
        job = s.functions[function]
        if job.attempts <= self.world.functions[function].retries or not self.keeps("no retries"):
            self.later(s, function)
            return
        job.state = "failed"
        if not has_agent:
            emit(s, "failed", job=FUNCTIONS[function], error="NodeLost")

    def end_canceled(self, s: State, function: int) -> None:
        s.functions[function].state = "canceled"
        emit(s, "canceled", job=FUNCTIONS[function])

    # One node.

    def give_back(self, s: State, at: int, id: Id, outcome: str) -> None:
        node, cost = s.nodes[at], self.world.functions[id[0]].cost
        units = node.held.pop(id, cost)
        node.used -= units if self.keeps("by the record") else 1
        emit(s, "released", id=write_id(id), node=NODES[at], cost=write_units(units), devices="", outcome=outcome)

    def wake(self, s: State, at: int) -> None:
        """Start what waits and fits, the highest rank first."""
        if self.keeps("wakes"):
            self.fill(s, at)

    def fill(self, s: State, at: int) -> None:
        for function, job in enumerate(s.functions):
            if job.state == "waiting" and self.is_open(s, at) and self.fits(s, function, at):
                self.place(s, function, at)

    def hand_back(self, s: State, at: int, outcome: str) -> None:
        """What stands on the queue of a node that is closed is placed elsewhere, or waits."""
        queue, s.nodes[at].queue = sorted(s.nodes[at].queue), []
        for function in queue:
            job = s.functions[function]
            if job.state == "queued":
                self.give_back(s, at, (function, job.placement), outcome)
                if self.keeps("drained hands back"):
                    emit(s, "adopted", job=FUNCTIONS[function])
                    self.admit(s, function)

    def abandon(self, s: State, at: int, change: str) -> None:
        """Close a node at once; what it held is given back by `recover`."""
        node = s.nodes[at]
        node.is_up, node.is_left, node.is_ready = False, self.keeps("loss is seen to"), False
        node.epoch += self.keeps("epoch grows")
        emit(s, "node", node=NODES[at], change=change, epoch=str(node.epoch))

    def recover(self, s: State, at: int) -> None:
        """One step of giving back what a lost node held: the queue, then one after the other, then it is done."""
        node = s.nodes[at]
        if node.queue:
            self.hand_back(s, at, "lost")
        elif node.held:
            self.recover_one(s, at, min(node.held))
        else:
            node.is_left = False
            node.running.clear()

    def recover_one(self, s: State, at: int, id: Id) -> None:
        function, placement = id
        job = s.functions[function]
        s.nodes[at].running.pop(id, None)
        if self.keeps("loss gives back"):
            self.give_back(s, at, id, "lost")
        else:
            s.nodes[at].used -= s.nodes[at].held.pop(id)
        if job.placement != placement:
            return
        if job.is_canceled and self.keeps("cancel stays"):
            self.end_canceled(s, function)
        elif job.state == "queued":
            self.admit(s, function)
        elif job.state == "started":
            job.attempts -= not self.keeps("loss costs")
            self.failed(s, function, has_agent=False)


def emit(s: State, kind: str, **fields: str) -> None:
    s.events.append(("event", kind, *(text for pair in fields.items() for text in pair)))
