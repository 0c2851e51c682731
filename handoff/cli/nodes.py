"""`handoff nodes`: what every node has, and how much of it is in use."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from textwrap import wrap
from typing import Any

import click

from handoff.books.reservation import Claim
from handoff.cli.options import Asked, shared_options
from handoff.cli.output import one_line, to_json
from handoff.cli.table import GAP, WIDTH
from handoff.ledger.clock import now_of
from handoff.ledger.nodes import Node, read_nodes
from handoff.ledger.phrases import in_words
from handoff.ledger.texts.holder import host_and_pid
from handoff.why.node_state import lease_in_words, why_closed
from handoff.why.use import devices_in_words, use_of
from handoff.words.times import moment

LONGEST_NAME = 24
"""Characters of a node's name that has what is told of it beside it."""

LEAST_WIDTH = 24
"""What is told has so many characters, however narrow the terminal is."""


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
        now_ms = now_of(cluster.store)
    if asked.as_json:
        click.echo(to_json([_fields(node, claims[node.name]) for node in found]))
    elif found:
        click.echo("\n".join(_table(found, claims, now_ms)))
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
        "lost_since": moment(node.lost_since) if node.lost_since is not None else None,
        "quiet_since": moment(node.quiet_since) if node.quiet_since else None,
        "quiet_reason": node.quiet_reason or None,
        "cordoned_since": moment(node.cordoned[0]) if node.cordoned else None,
        "cordon_reason": node.cordoned[1] if node.cordoned else None,
        "drain_until": moment(node.draining) if node.draining else None,
        "external": node.external or None,
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


def _table(found: Sequence[Node], claims: Mapping[str, Sequence[Claim]], now_ms: int) -> list[str]:
    """A name that is longer than its column has a line of its own, so that it can be copied."""
    names = min(LONGEST_NAME, max(len(name) for name in ("node", *(node.name for node in found))))
    states = max(len(state) for state in ("state", *(node.state for node in found)))
    indent = " " * (names + states + 2 * len(GAP))
    width = max(shutil.get_terminal_size((WIDTH, 24)).columns, len(indent) + LEAST_WIDTH)
    lines = [f"{'node':<{names}}{GAP}{'state':<{states}}{GAP}in use"]
    for node in found:
        first, *others = [
            line
            for fact in _facts(node, claims[node.name], now_ms)
            for line in wrap(one_line(fact), width - len(indent), subsequent_indent="  ", break_on_hyphens=False)
        ]
        name, state = node.name, click.style(f"{node.state:<{states}}", "green" if node.state == "up" else "red")
        if len(name) > names:
            lines.append(name)
            name = ""
        lines += [f"{name:<{names}}{GAP}{state}{GAP}{first}", *(f"{indent}{line}" for line in others)]
    return lines


def _facts(node: Node, claims: Sequence[Claim], now_ms: int) -> Iterator[str]:
    uses = use_of(node)
    sums = [f"{name} {use}" for name, use in uses.items() if use.devices is None]
    yield ", ".join(sums) or ("nothing, for it has nothing" if not uses else "")
    for name, use in uses.items():
        if use.devices is not None:
            yield f"{name} {use} ({devices_in_words(use)})"
    if why := why_closed(node):
        yield why
    if node.labels:
        yield ", ".join(f"{name}={value}" for name, value in node.labels.items())
    if node.external:
        yield f"external {in_words(node.external)}, which other programs use"
    if node.hold:
        yield f"held for {node.hold.job_id}, which lacks {', '.join(node.hold.lacks)}"
    for claim in claims:
        yield _claimed(claim)
    holder = host_and_pid(node.holder)
    yield lease_in_words(node, now_ms) + (f", agent {holder}" if holder else "")


def _claimed(claim: Claim) -> str:
    """`claim of ci on build-1: gpu 1, for 550 s yet`."""
    left = "" if claim.left_s is None else f", for {claim.left_s:.0f} s yet"
    what = in_words(claim.reservation.cost) if claim.reservation.cost else "nothing"
    return f"claim of {claim.owner or 'somebody'}: {what}{left}"
