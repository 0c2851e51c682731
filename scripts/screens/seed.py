"""Fills a namespace with many nodes and what waits for them: `scripts/seed`. Nothing runs: the nodes have no agents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from handoff import Cluster, Function
from handoff.words.address import DEFAULT_NAMESPACE

NODES, WAITING = 1_000, 100_000

PARTS = 4
"""So many functions share each node, which is full with them."""

KINDS: tuple[tuple[dict[str, Any], dict[str, str]], ...] = (
    ({"cpu": 64, "memory": 256_000, "gpu": 8, "slots": 64}, {"card": "a100"}),
    ({"cpu": 32, "memory": 128_000, "gpu": 4, "slots": 32}, {"card": "l4"}),
    ({"cpu": 32, "memory": 128_000, "slots": 32}, {}),
    ({"cpu": 16, "memory": 64_000, "slots": 16}, {}),
)
"""What nodes have, and how they are labelled."""

ZONES = "abcd"

ASKED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("models.train:step", {"gpu": 1, "cpu": 8, "memory": 32_000}),
    ("models.train:large", {"gpu": 4, "cpu": 16, "memory": 64_000}),
    ("models:evaluate", {"cpu": 4, "memory": 16_000}),
    ("films:transcode", {"cpu": 2, "memory": 4_000}),
    ("films:thumbnail", {"cpu": 1}),
    ("reports:monthly", {"cpu": 8, "memory": 48_000}),
)
"""What waits: what it calls, and asks for."""

NOWHERE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("models.train:huge", {"gpu": 16, "cpu": 64}),
    ("licences:solve", {"matlab_license": 1}),
)
"""What no node could hold: one of so many of all that waits."""

EVERY = 200
"""One of so many fits nowhere."""


def seed(cluster: Cluster, nodes: int = NODES, waiting: int = WAITING) -> None:
    """Register nodes, fill them, and submit what waits for them."""
    for number in range(nodes):
        capabilities, labels = KINDS[number % len(KINDS)]
        zone = ZONES[number // len(KINDS) % len(ZONES)]
        cluster.register_node(node_name(number), capabilities, labels={"zone": zone, **labels})
    cluster.submit_many([*_filling(nodes)])
    cluster.submit_many([*_waiting(waiting)])


def node_name(number: int) -> str:
    """What the node of that number is called."""
    return f"node-{number:04}"


def _filling(nodes: int) -> Iterator[Function]:
    for number in range(nodes):
        capabilities, _ = KINDS[number % len(KINDS)]
        cost = {name: amount / PARTS for name, amount in capabilities.items() if name != "slots"}
        for part in range(PARTS):
            yield Function(f"fill-{number}-{part}", ASKED[part][0], cost=cost, node=node_name(number))


def _waiting(count: int) -> Iterator[Function]:
    for number in range(count):
        code, cost = ASKED[number % len(ASKED)]
        if number % EVERY == 0:
            code, cost = NOWHERE[number // EVERY % len(NOWHERE)]
        # Every third wants a zone, so that there are some dozens of shapes.
        where = {"zone": ZONES[number // 3 % len(ZONES)]} if number % 3 == 0 else None
        yield Function(f"wait-{number}", code, cost=cost, where=where)


@click.command()
@click.option("--url", envvar="HANDOFF_REDIS_URL", help="The address of Redis.")
@click.option("--namespace", default=DEFAULT_NAMESPACE, show_default=True, help="It should have nothing yet.")
@click.option("--nodes", type=click.IntRange(1), default=NODES, show_default=True)
@click.option("--waiting", type=click.IntRange(0), default=WAITING, show_default=True, help="Functions.")
def main(url: str | None, namespace: str, nodes: int, waiting: int) -> None:
    """Fill a namespace with nodes that are full and functions that wait, to look at pages of that size."""
    with Cluster(url, namespace=namespace) as cluster:
        seed(cluster, nodes, waiting)
        click.echo(f"{nodes:,} nodes, {waiting:,} functions that wait, in namespace {cluster.namespace}.")


if __name__ == "__main__":
    main()
