"""`handoff metrics`: figures for Prometheus."""

from __future__ import annotations

import click

from handoff.cli.extras import of_extra
from handoff.cli.listening import is_loopback, listen, url_of
from handoff.cli.options import Asked, shared_options
from handoff.exits import DONE
from handoff.local.term import raised_at_term

PORT = 8291

EXAMINE_EVERY_S = 3600.0

TIMEOUT_S = 2.5
"""Prometheus waits ten seconds for an answer, and is to be told within these that Redis gives none."""


@click.command(short_help="Serve figures for Prometheus.")
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="0 = any that is free.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option(
    "--examine-every",
    type=click.FloatRange(0, 1e6),
    default=EXAMINE_EVERY_S,
    show_default=True,
    metavar="SECONDS",
    help="How often the doctor looks at all books; 0 = never.",
)
@shared_options
@click.pass_obj
def metrics(asked: Asked, port: int, host: str, examine_every: float) -> None:
    """Serve what `handoff status`, `nodes` and `doctor` tell at http://127.0.0.1:8291/metrics, until Ctrl-C.

    One process for each namespace is enough, on any host. Beyond this machine, by --host, it tells everybody who can
    reach it names of nodes and functions.
    """
    if not host:
        raise click.BadParameter("it is empty: give an address, 0.0.0.0 for all there are", param_hint="--host")
    with of_extra("metrics", "handoff metrics"):
        from handoff.metrics.serving import PATH, serve
    if not is_loopback(host):
        asked.tell(f"Whoever can reach {host} may look.")
    with asked.cluster(TIMEOUT_S) as cluster:
        # Who has mistaken the address is told here, and not by each scrape.
        cluster.store.read("PING")
        with raised_at_term(lambda number: SystemExit(DONE)):
            listener = listen(host, port)
            url = f"{url_of(listener, host)}{PATH}"
            asked.tell(f"Metrics are at {url}, until Ctrl-C.", url=url)
            serve(cluster.store, listener, examine_every_s=examine_every)
