"""What a shell offers for ids and names of nodes, if Redis answers at once."""

from __future__ import annotations

from collections.abc import Callable

import click
import redis
from click.shell_completion import CompletionItem

from handoff.cli.options import Asked
from handoff.cli.output import one_line
from handoff.client.cluster import Cluster
from handoff.errors import HandoffError
from handoff.view.functions import Wanted, list_functions
from handoff.view.places import read_nodes_known
from handoff.words.address import DEFAULT_NAMESPACE

PATIENCE_S = 0.3
"""Who has typed a tab waits for nothing longer than this."""

MOST_OFFERED = 200
"""The newest functions."""

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def of_functions(*states: str) -> Complete:
    """Offer the ids of the newest functions, of all states or of these."""

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return _offered(context, incomplete, lambda cluster: _functions(cluster, states))

    return complete


def nodes(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the names of nodes."""
    return _offered(context, incomplete, _nodes)


def _nodes(cluster: Cluster) -> list[CompletionItem]:
    return [CompletionItem(name) for name in read_nodes_known(cluster.store)]


def _functions(cluster: Cluster, states: tuple[str, ...]) -> list[CompletionItem]:
    rows = list_functions(cluster.store, Wanted(states=states or None), MOST_OFFERED).rows
    return [CompletionItem(row.id, help=one_line(f"{row.state}: {row.description}")) for row in rows]


def _offered(
    context: click.Context, incomplete: str, read: Callable[[Cluster], list[CompletionItem]]
) -> list[CompletionItem]:
    asked = context.ensure_object(Asked)
    try:
        with Cluster(asked.url, namespace=asked.namespace or DEFAULT_NAMESPACE, timeout=PATIENCE_S) as cluster:
            return [item for item in read(cluster) if item.value.startswith(incomplete)]
    except (HandoffError, ValueError, redis.RedisError):
        # A shell has no place to tell it: nothing is offered, and the command itself will say what is wrong.
        return []
