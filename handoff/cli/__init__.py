"""The command `handoff`: one module per command; parses, prints, and leaves the doing to the rest of the package."""

from __future__ import annotations

import click

from handoff.cli.cancel import cancel
from handoff.cli.completion import completion
from handoff.cli.costs import costs
from handoff.cli.dashboard import dashboard
from handoff.cli.demo import demo
from handoff.cli.doctor import doctor
from handoff.cli.drain import drain, undrain
from handoff.cli.events import events
from handoff.cli.explain import explain
from handoff.cli.group import Commands
from handoff.cli.jobs import jobs
from handoff.cli.limit import limit
from handoff.cli.logs import logs
from handoff.cli.metrics import metrics
from handoff.cli.node import node
from handoff.cli.nodes import nodes
from handoff.cli.options import shared_options
from handoff.cli.ping import ping
from handoff.cli.retry import retry
from handoff.cli.run import run
from handoff.cli.runs import runs
from handoff.cli.schedule import schedule
from handoff.cli.share import share
from handoff.cli.status import status
from handoff.cli.top import top


@click.group(cls=Commands, no_args_is_help=False, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="handoff-rq", prog_name="handoff", message="%(prog)s %(version)s")
@shared_options
def main() -> None:
    """RQ that knows what every host has: functions that declare what they cost run where it is free."""


for command in (
    demo,
    node,
    nodes,
    run,
    runs,
    jobs,
    costs,
    status,
    explain,
    dashboard,
    metrics,
    top,
    logs,
    events,
    cancel,
    retry,
    drain,
    undrain,
    share,
    limit,
    schedule,
    ping,
    doctor,
    completion,
):
    main.add_command(command)
