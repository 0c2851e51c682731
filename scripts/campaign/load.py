"""A client as a process of its own: it submits at a steady pace, cancels a little, and collects what comes.

It notes what it is about to do before it does it, for it may be killed at any moment.
"""

from __future__ import annotations

import queue
import random
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from campaign import functions, graphs
from campaign.journal import GRAPH, SINGLE, Journal, Order
from campaign.world import HOME
from handoff import Cluster
from handoff.errors import (
    DuplicateFunction,
    DuplicateRun,
    HandoffError,
    NotDurable,
    ResourcesUnavailable,
    StoreUnavailable,
    UnknownFunction,
    UnknownNode,
)

ASKS = 6
"""How often a submit is tried that finds no Redis: each takes up to 5 s, or is refused at once."""

COLLECT_S = 3.0
"""How long a collector waits for one result before it looks at the next."""

KEPT_S = 3600
"""Results are read at the end, when all is quiet."""

GRAPH_EVERY = 16
"""Orders: at a steady rate, so that rates can be compared."""

SHARE_CANCELED, SHARE_DURABLE, SHARE_FRAGILE = 0.04, 0.05, 0.1

CLAIM_EVERY_S, CLAIM_TTL_S = 1.0, 3.0

CLAIMS = ({"cpu": 0.25}, {"gpu": 0.5}, {"memory": 100})

COSTS: list[Any] = [
    {}, {"cpu": 0.25}, {"cpu": 0.5}, {"cpu": 1}, {"cpu": 2}, {"memory": 300, "cpu": 0.5}, {"gpu": 0.5},
    {"gpu_memory": 3000}, {"license": 1}, {"license": 1, "cpu": 1}, [{"gpu": 0.5}, {"cpu": 1}],
]  # fmt: skip


class Orders:
    """What a client submits, from a seed."""

    def __init__(self, name: str, seed: int) -> None:
        self._name, self._draw, self._count = name, random.Random(seed), 0

    def next(self) -> Order:
        self._count += 1
        draw, id = self._draw, f"{self._name}-{self._count}"
        number = draw.randrange(1000)
        seconds = draw.choice([0.0, 0.05, 0.1, 0.3, 0.5, 1.5])
        if self._count % GRAPH_EVERY == 0:
            return Order(id, GRAPH, draw.choice(graphs.FORMS), number, draw.choice([0.0, 0.1]), 5)
        code = draw.choices(["work", "hold", "grow", "fail"], [20, 3, 1, 1])[0]
        options: dict[str, Any] = {"cost": draw.choice(COSTS), "priority": draw.choice([0, 0, 0, 1, -1])}
        if code == "hold":
            options["cost"] = {"gpu": draw.choice([1, 1, 2])}
        elif draw.random() < 0.05:
            options["delay"] = draw.choice([0.2, 2])
        elif draw.random() < 0.05:
            options["wait_ttl"] = 5
        elif draw.random() < 0.1:
            options["where"] = {"zone": draw.choice("xy")}
        if draw.random() < SHARE_DURABLE:
            options["durability"] = "replica"
        if draw.random() < SHARE_FRAGILE:
            options["on_node_loss"] = "fail"
        # The waits between attempts grow, and what always fails has them all.
        retries = draw.choice([0, 0, 0, 2, 4]) if code != "fail" else draw.choice([0, 1])
        return Order(id, SINGLE, code, number, seconds, retries, options)


@dataclass
class Client:
    """One process of the load."""

    cluster: Cluster
    journal: Journal
    folder: Path
    draw: random.Random
    taken: queue.Queue[tuple[Order, Any]]

    def submit(self, order: Order) -> None:
        """Submit it, and once more where nobody knows whether it arrived: the id tells."""
        self.journal.note("asked", order.id, asdict(order))
        for _ in range(ASKS):
            try:
                handle, is_durable = self._submit_once(order)
            except StoreUnavailable:
                continue
            except HandoffError as error:
                self.journal.note("refused", order.id, f"{type(error).__name__}: {error}")
                return
            self.journal.note("taken", order.id, is_durable)
            if self.draw.random() < SHARE_CANCELED:
                self._cancel(order, handle)
            self.taken.put((order, handle))
            return
        self.journal.note("unsure", order.id)

    def _submit_once(self, order: Order) -> tuple[Any, bool]:
        """-> its handle, and whether a replica has it too, for sure"""
        if order.kind == GRAPH:
            return self._submit_graph(order), False
        arguments: list[Any] = [str(self.folder), order.id, order.number]
        if order.code == "grow":
            arguments.append(b"x" * 400)
        elif order.code != "fail":
            arguments.append(order.seconds)
        try:
            handle = self.cluster.enqueue(
                getattr(functions, order.code), *arguments, job_id=order.id, max_retries=order.retries,
                result_ttl=KEPT_S, failure_ttl=KEPT_S, **order.options,
            )  # fmt: skip
        except NotDurable as error:
            return error.handle, False
        except DuplicateFunction:
            return self.cluster.handle(order.id), False
        return handle, "durability" in order.options

    def _submit_graph(self, order: Order) -> Any:
        try:
            return self.cluster.run(order.id)
        except UnknownFunction:
            pass
        try:
            return self.cluster.submit_dag(
                graphs.graph(order), max_retries=order.retries, result_ttl=KEPT_S, failure_ttl=KEPT_S,
                **graphs.OPTIONS.get(order.code, {}),
            )  # fmt: skip
        except DuplicateRun:
            return self.cluster.run(order.id)

    def _cancel(self, order: Order, handle: Any) -> None:
        self.journal.note("cancels", order.id)
        try:
            self.journal.note("canceled", order.id, int(handle.cancel()))
        except (StoreUnavailable, UnknownFunction) as error:
            self.journal.note("canceled", order.id, 0)
            self.journal.note("came", order.id, type(error).__name__)

    def collect(self) -> None:
        """Wait for what was submitted, one after the other, and again for what takes longer."""
        while True:
            order, handle = self.taken.get()
            try:
                value = handle.result(timeout=COLLECT_S)
            except (TimeoutError, StoreUnavailable):
                self.taken.put((order, handle))
            except HandoffError as error:
                self.journal.note("came", order.id, f"{type(error).__name__}: {error}")
            else:
                self.journal.note("came", order.id, {"value": plain(order, value)})

    def claim(self, draw: random.Random) -> None:
        """Claim a little of some node from time to time; what is not given back, or nobody knows of, is to lapse."""
        tracker = self.cluster.tracker
        while True:
            time.sleep(CLAIM_EVERY_S)
            try:
                claim = tracker.request(draw.choice(HOME), draw.choice(CLAIMS), ttl=CLAIM_TTL_S)
                if draw.random() < 0.5:
                    time.sleep(draw.random())
                    tracker.release(claim)
            except (ResourcesUnavailable, StoreUnavailable, UnknownNode):
                continue


def plain(order: Order, value: Any) -> Any:
    """A result as a journal has it."""
    if order.kind == GRAPH:
        return value.results
    return len(value) if isinstance(value, bytes) else value


def guarded(journal: Journal, name: str, call: Callable[[], None]) -> None:
    """Whatever comes out of it that is no documented error is noted."""
    try:
        call()
    except Exception:
        journal.note("broken", name, traceback.format_exc())
        raise


@click.command()
@click.option("--name", required=True)
@click.option("--seed", type=int, required=True)
@click.option("--rate", type=float, required=True)
@click.option("--namespace", required=True)
@click.option("--folder", type=click.Path(path_type=Path), required=True)
def main(name: str, seed: int, rate: float, namespace: str, folder: Path) -> None:
    """Submit `rate` orders a second until killed."""
    journal = Journal(folder, name)
    orders = Orders(name, seed)
    client = Client(Cluster(namespace=namespace), journal, folder, random.Random(seed), queue.Queue())

    def submit() -> None:
        at_s = time.monotonic()
        while True:
            # What an outage has held up is not made up for.
            at_s = max(at_s + 1 / rate, time.monotonic() - 1)
            time.sleep(max(0.0, at_s - time.monotonic()))
            client.submit(orders.next())

    for call in (client.collect, lambda: client.claim(random.Random(seed))):
        threading.Thread(target=guarded, args=(journal, name, call), daemon=True).start()
    guarded(journal, name, submit)


if __name__ == "__main__":
    sys.exit(main())
