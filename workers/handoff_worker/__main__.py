"""`python -m handoff_worker`: the agent of one node; `handoff node` runs the same."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import uuid
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import click

from handoff.cluster import DEFAULT_NAMESPACE, default_url
from handoff.errors import HandoffError
from handoff.names import check_namespace, check_node_name
from handoff.resources import SLOTS, UNIT, Capabilities, Number, parse_capabilities
from handoff.store import ScriptBug, Store, own_client
from handoff_worker import settings
from handoff_worker.agent import Agent, Options
from handoff_worker.children import Children, NurseryBroken
from handoff_worker.hints import Hints
from handoff_worker.holder import Holder
from handoff_worker.ledger import NameTaken, NodeLedger
from handoff_worker.lifetime import Signals, Tether, take_name
from handoff_worker.probe import probe
from handoff_worker.tasks import Maker

logger = logging.getLogger("handoff_worker")

Amount = Number | list[int]

SHORTEST_LEASE_S = 0.5
"""A beat takes a third of it, and must not be late because a machine is busy."""


def _read_amount(value: str) -> Amount:
    """Read `2`, `0.5` or `[0,3]`."""
    try:
        if value.startswith("["):
            return list(json.loads(value))
        return int(value) if value.lstrip("+-").isdecimal() else Decimal(value)
    except (ValueError, InvalidOperation):
        raise click.BadParameter(f"{value!r} is no number (of devices also a list of indices, such as [0,3])") from None


def _amount(context: click.Context, option: click.Parameter, value: str | None) -> Amount | None:
    return None if value is None else _read_amount(value)


def _resources(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, Amount]:
    resources = {}
    for value in values:
        name, equals, amount = value.partition("=")
        if not equals:
            raise click.BadParameter(f"{value!r} does not read NAME=AMOUNT, such as fpga=1")
        resources[name] = _read_amount(amount)
    return resources


@click.command(name="handoff node", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--name", help="Name of the node. Default: the host's name.")
@click.option("--cpu", callback=_amount, help="Cores. Default: what this machine and its container allow.")
@click.option("--memory", callback=_amount, help="MB of 2**20 bytes. Default: as for --cpu.")
@click.option("--gpu", callback=_amount, help="How many NVIDIA devices, or their indices as [0,3]. Default: all.")
@click.option("--resource", "resources", multiple=True, callback=_resources, help="NAME=AMOUNT of anything else.")
@click.option("--slots", callback=_amount, help="Functions that run at once. Default: 8, or 4 per core if more.")
@click.option(
    "--path",
    "paths",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Importable for functions, as is the current directory.",
)
@click.option("--burst", is_flag=True, help="End when nothing runs, and nothing waits that this node could run.")
@click.option("--config", type=click.Path(path_type=Path), help="A TOML file with the same settings; flags win.")
@click.option("--lease", type=float, help="Seconds until a silent node is lost.  [default: 15]")
@click.option("--grace", type=click.FloatRange(0, 86400), default=30.0, show_default=True,
              help="Seconds that TERM leaves to what runs.")  # fmt: skip
@click.option("--allow-pickle", is_flag=True, help="Load pickled arguments: whoever writes to Redis runs code here.")
@click.option("--no-probe", is_flag=True, help="Have only what is given here; do not look at this machine.")
@click.option("--url", help="Redis. Default: HANDOFF_REDIS_URL, REDIS_URL, redis://localhost:6379/0.")
@click.option("--namespace", help=f"Default: {DEFAULT_NAMESPACE}.")
@click.option("--json", "as_json", is_flag=True, help="Log one JSON object a line.")
@click.option("--tether", type=int, hidden=True)
def main(**given: Any) -> None:
    """Run the agent of this node: register it, run its functions in child processes, heartbeat.

    TSTP: take no more work. TERM or Ctrl-C: finish by a deadline and hand back the rest. A second one: at once.
    """
    signals = Signals()
    _set_up_log(given["as_json"])
    try:
        node, options = _settle(given)
        name = check_node_name(node.name or Holder.here().host)
        namespace = check_namespace(node.namespace or DEFAULT_NAMESPACE)
    except (HandoffError, ValueError, OSError) as error:
        raise click.UsageError(str(error)) from error
    url = node.url or default_url()
    try:
        store = Store(own_client(None, url), namespace)
    except ValueError as error:
        raise click.UsageError(f"--url: {error}") from error
    try:
        _run(store, name, url, options, node, given, signals)
    except (HandoffError, NameTaken, NurseryBroken, ScriptBug) as error:
        click.echo(f"handoff node: {error}", err=True)
        sys.exit(1)


def _run(
    store: Store,
    name: str,
    url: str,
    options: Options,
    node: settings.NodeSettings,
    given: dict[str, Any],
    signals: Signals,
) -> None:
    ledger = NodeLedger(store, name, Holder.here(), uuid.uuid4().hex)
    paths = [str(path) for path in (*given["paths"], *((node.path,) if node.path else ()))]
    slots = options.capabilities.units[SLOTS] // UNIT
    children = Children(idle_limit=max(1, min(slots, 256)), path=paths)
    with contextlib.ExitStack() as unless_ours:
        unless_ours.callback(children.close)
        if not take_name(ledger, options.capabilities, round(options.lease_s * 1000), signals.wait):
            return
        unless_ours.pop_all()
    maker = Maker(
        node=name,
        worker=store.keys.queue(name),
        url=url,
        has_gpus="gpu" in options.capabilities.devices,
        allow_pickle=given["allow_pickle"],
        environ=dict(os.environ),
    )
    agent = Agent(ledger, children, Hints(store, name), maker, options)
    signals.attach(agent)
    if given["tether"] is not None:
        Tether(given["tether"], agent)
    logger.info("node %s serves %s", name, store.address)
    agent.run()


def _settle(given: dict[str, Any]) -> tuple[settings.NodeSettings, Options]:
    """Flags over the file over what the machine has."""
    node = settings.load(given["config"]) if given["config"] else settings.NodeSettings()
    flags = {field: given[field] for field in ("name", "cpu", "memory", "gpu", "slots", "url", "namespace", "lease")}
    resources = {**node.resources, **given["resources"]}
    node = replace(node, **{field: value for field, value in flags.items() if value is not None}, resources=resources)
    if node.lease is not None and not SHORTEST_LEASE_S <= node.lease <= 3600:
        raise ValueError(f"--lease is {node.lease}: give {SHORTEST_LEASE_S} to 3600 seconds")
    capabilities = _capabilities(node, look=not given["no_probe"])
    return node, Options(
        capabilities,
        lease_s=15.0 if node.lease is None else float(node.lease),
        grace_s=given["grace"],
        burst=given["burst"],
    )


def _capabilities(node: settings.NodeSettings, *, look: bool) -> Capabilities:
    amounts: dict[str, Any] = dict(node.resources)
    for resource, amount in (("cpu", node.cpu), ("memory", node.memory), ("gpu", node.gpu)):
        if amount is not None:
            amounts[resource] = list(amount) if isinstance(amount, tuple) else amount
    if look and not {"cpu", "memory", "gpu"} <= amounts.keys():
        machine = probe()
        amounts.setdefault("cpu", machine.cpu)
        amounts.setdefault("memory", machine.memory_mb)
        gpu = amounts.setdefault("gpu", list(machine.gpus))
        if not isinstance(gpu, list) and gpu <= len(machine.gpus):
            # The first of those that this agent may use, which need not be 0, 1, ...
            amounts["gpu"] = list(machine.gpus[: int(gpu)])
    if node.slots is not None:
        amounts[SLOTS] = node.slots
    parsed = parse_capabilities(amounts)
    if SLOTS not in amounts:
        cores = parsed.units.get("cpu", 0) / UNIT
        return Capabilities({**parsed.units, SLOTS: max(8, int(4 * cores)) * UNIT}, parsed.devices)
    if SLOTS not in parsed.units or parsed.units[SLOTS] % UNIT:
        raise ValueError("--slots is a whole number of at least 1")
    return parsed


def _set_up_log(as_json: bool) -> None:
    level = os.environ.get("HANDOFF_LOG_LEVEL", "INFO").upper()
    form = (
        '{"at": "%(asctime)s", "level": "%(levelname)s", "logger": "%(name)s", "message": %(quoted)s}'
        if as_json
        else "%(asctime)s %(levelname)s %(message)s"
    )
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(form))
    handler.addFilter(_quote)
    logging.basicConfig(level=level, handlers=[handler])


def _quote(record: logging.LogRecord) -> bool:
    record.quoted = json.dumps(record.getMessage())
    return True


def run() -> None:
    """Run the command; a bad argument is told in one line."""
    try:
        main(prog_name="handoff node", standalone_mode=False)
    except click.ClickException as error:
        click.echo(f"handoff node: {' '.join(error.format_message().split())} (see handoff node --help)", err=True)
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)


if __name__ == "__main__":
    run()
