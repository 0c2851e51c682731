"""`handoff nodes`: what every node has, and how much of it is in use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import click

from handoff.books.reservation import Claim
from handoff.cli.options import Asked, shared_options
from handoff.cli.output import to_json
from handoff.ledger.nodes import Node, read_nodes
from handoff.ledger.texts.holder import host_and_pid
from handoff.why.use import Use, use_of
from handoff.words.times import moment


@click.command(short_help="List the nodes and what is in use.")
@shared_options
@click.pass_obj
def nodes(asked: Asked) -> None:
    """List the nodes: what each has, and how much of it is in use.

    Functions are placed on nodes that are up. Others are quiet (told to take no more, or unable to start processes),
    lost (their agents have gone silent), draining, or cordoned, for too many functions have died there (both until
    `handoff undrain`), or over: more is held than their capabilities, which were lowered. What a node is held for goes
    before all that would use the same there.
    """
    with asked.cluster() as cluster:
        found = read_nodes(cluster.store)
        claims: dict[str, list[Claim]] = {node.name: [] for node in found}
        for claim in cluster.tracker.claims():
            claims.setdefault(claim.reservation.node, []).append(claim)
    if asked.as_json:
        click.echo(to_json([_fields(node, claims[node.name]) for node in found]))
    elif found:
        _print_table(found, claims)
    else:
        click.echo(
            f"No node is registered in namespace {cluster.namespace} at {cluster.store.address}: "
            "start one with `handoff node`."
        )


def _fields(node: Node, claims: list[Claim]) -> dict[str, Any]:
    return {
        "node": node.name,
        "state": node.state,
        "kind": node.kind,
        "holder": node.holder or None,
        "lease_s": node.lease_s,
        "labels": node.labels,
        "quiet_since": moment(node.quiet_since) if node.quiet_since else None,
        "quiet_reason": node.quiet_reason or None,
        "cordoned_since": moment(node.cordoned[0]) if node.cordoned else None,
        "cordon_reason": node.cordoned[1] if node.cordoned else None,
        "drain_until": moment(node.draining) if node.draining else None,
        "held_for": node.hold and {"id": node.hold.job_id, "lacks": node.hold.lacks},
        "claims": [
            {
                "id": claim.reservation.id,
                "owner": claim.owner,
                "amounts": claim.reservation.cost,
                "held_s": claim.held_s,
                "left_s": claim.left_s,
            }
            for claim in claims
        ],
        "resources": {name: asdict(use) for name, use in use_of(node).items()},
    }


def _print_table(found: list[Node], claims: Mapping[str, list[Claim]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # What few clusters have is given no column where there is none of it.
    has_labels = any(node.labels for node in found)
    has_holds = any(node.hold for node in found)
    has_owners = any(claim.owner for each in claims.values() for claim in each)
    table = Table(box=box.SIMPLE_HEAD)
    headings = [
        "node",
        "state",
        "kind",
        "in use",
        *["labels"] * has_labels,
        *["held for"] * has_holds,
        *["claimed by"] * has_owners,
        "lease",
        "holder",
    ]
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for node in found:
        optional = []
        if has_labels:
            optional.append(Text("\n".join(f"{name}={value}" for name, value in node.labels.items()) or "-"))
        if has_holds:
            optional.append(Text(f"{node.hold.job_id} ({', '.join(node.hold.lacks)})" if node.hold else "-"))
        if has_owners:
            optional.append(Text("\n".join(map(_claimed, claims[node.name])) or "-"))
        table.add_row(
            Text(node.name, style="bold"),
            Text(_state(node), style="green" if node.state == "up" else "bold red"),
            node.kind,
            Text("\n".join(_in_words(name, use) for name, use in use_of(node).items())),
            *optional,
            "-" if node.lease_s is None else f"{node.lease_s:.1f} s",
            Text(host_and_pid(node.holder) or "-"),
        )
    Console().print(table)


def _state(node: Node) -> str:
    reason = {"quiet": node.quiet_reason, "cordoned": node.cordoned[1] if node.cordoned else ""}.get(node.state)
    return f"{node.state}: {reason}" if reason else node.state


def _claimed(claim: Claim) -> str:
    """`ci on build-1: gpu 1, for 550 s yet`."""
    what = ", ".join(f"{name} {amount}" for name, amount in claim.reservation.cost.items()) or "nothing"
    left = "" if claim.left_s is None else f", for {claim.left_s:.0f} s yet"
    return f"{claim.owner or 'somebody'}: {what}{left}"


def _in_words(name: str, use: Use) -> str:
    """`gpu 1.5/2 (0: 1, 1: 0.5)`: of devices what is in use, by index; of their memory also how much each has."""
    sizes = use.sizes or {}
    parts = [f"{index}: {used}" + (f"/{sizes[index]}" if sizes else "") for index, used in (use.devices or {}).items()]
    return f"{name} {use.used}/{use.capacity}" + (f" ({', '.join(parts)})" if parts else "")
