"""`handoff ping`: does Redis answer, and is there a node, as load balancers and people in a hurry ask."""

from __future__ import annotations

from dataclasses import asdict

import click

from handoff.cli.options import Asked, shared_options
from handoff.cli.output import to_json
from handoff.exits import DONE, FAILED
from handoff.view.ping import Ping
from handoff.view.ping import ping as ask


@click.command(short_help="Ask whether Redis answers, and how many nodes are up.")
@click.option("--nodes", "wanted", type=click.IntRange(0), default=0, help="Fail where fewer are up.  [default: 0]")
@shared_options
@click.pass_obj
def ping(asked: Asked, wanted: int) -> int:
    """Ask Redis once, bring it Handoff's operations, and count the nodes.

    It fails where Redis is away, does not let this user in or does not permit what is needed, and where fewer than
    --nodes are up. Whether the agent of one node is alive is asked on its host: `handoff node --check`.
    """
    with asked.cluster() as cluster:
        found = ask(cluster.store)
    click.echo(to_json(asdict(found)) if asked.as_json else _in_words(found))
    up = found.nodes["up"]
    if up < wanted:
        asked.tell(f"too few nodes are up: {up} of {wanted}", up=up, wanted=wanted)
        return FAILED
    return DONE


def _in_words(found: Ping) -> str:
    name = f"Redis {found.version}" if found.version else "Redis"
    counts = [f"{count} {state}" for state, count in found.nodes.items() if count]
    nodes = f"nodes: {', '.join(counts)}" if counts else "no node is registered"
    took = f"{found.round_trip_s * 1000:.1f} ms"
    return f"{name} at {found.redis} answers in {took} and takes operations as {found.operations}; {nodes}"
