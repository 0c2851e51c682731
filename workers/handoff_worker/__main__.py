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

from handoff.errors import HandoffError
from handoff.ledger.store import ScriptBug, Store, own_client
from handoff.words.address import DEFAULT_NAMESPACE, default_url
from handoff.words.names import check_namespace, check_node_name
from handoff.words.resources import SLOTS, UNIT, Number
from handoff_worker.agent.agent import Agent, Options
from handoff_worker.agent.hints import Hints
from handoff_worker.agent.ledger import NameTaken, NodeLedger
from handoff_worker.agent.lifetime import Signals, Tether, take_name
from handoff_worker.agent.tasks import Maker
from handoff_worker.children.pool import Children, NurseryBroken
from handoff_worker.machine import settings
from handoff_worker.machine.holder import Holder
from handoff_worker.machine.offer import leaves_nothing_open, make_offer
from handoff_worker.machine.probe import probe

logger = logging.getLogger("handoff_worker")

Amount = Number | list[int]

SHORTEST_LEASE_S = 0.5
"""A beat takes a third of it, and must not be late because a machine is busy."""


def _read_amount(value: str) -> Amount:
    """Read `2`, `0.5` or `[0,3]`; whether a list may stand here is judged with all the rest."""
    try:
        if value.startswith("["):
            return list(json.loads(value, parse_float=Decimal))
        return int(value) if value.lstrip("+-").isdecimal() else Decimal(value)
    except (ValueError, InvalidOperation):
        raise click.BadParameter(
            f"{value!r} is no number (for devices also a list of numbers, such as [0,3])"
        ) from None


def _amount(context: click.Context, option: click.Parameter, value: str | None) -> Amount | None:
    return None if value is None else _read_amount(value)


def _resources(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, Amount]:
    return {name: _read_amount(amount) for name, amount in _pairs(values, "NAME=AMOUNT, such as fpga=1").items()}


def _device_memory(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, Amount]:
    return {name: _read_amount(amount) for name, amount in _pairs(values, "NAME=MB, such as gpu=24000").items()}


def _labels(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    return _pairs(values, "NAME=VALUE, such as zone=a")


def _pairs(values: tuple[str, ...], form: str) -> dict[str, str]:
    pairs = {}
    for value in values:
        name, equals, what = value.partition("=")
        if not equals:
            raise click.BadParameter(f"{value!r} does not read {form}")
        pairs[name] = what
    return pairs


@click.command(name="handoff node", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--name", help="Name of the node. Default: the host's name.")
@click.option("--cpu", callback=_amount, help="Cores. Default: what this machine and its container allow.")
@click.option("--memory", callback=_amount, help="MB of 2**20 bytes. Default: as for --cpu.")
@click.option("--gpu", callback=_amount, help="How many NVIDIA devices, or their indices as [0,3]. Default: all.")
@click.option("--resource", "resources", multiple=True, callback=_resources, help="NAME=AMOUNT of anything else.")
@click.option("--device-memory", multiple=True, callback=_device_memory,
              help="NAME=MB on each device, or a list as gpu=[24000,40000]. Default for gpu: as probed.")  # fmt: skip
@click.option("--label", "labels", multiple=True, callback=_labels, help="NAME=VALUE that functions may ask for.")
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
        node = _settle(given)
        name = check_node_name(node.name or Holder.here().host)
        namespace = check_namespace(node.namespace or DEFAULT_NAMESPACE)
        options = _options(name, node, given)
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
    capabilities = options.offer.capabilities
    slots = capabilities.units[SLOTS] // UNIT
    children = Children(idle_limit=max(1, min(slots, 256)), path=paths)
    with contextlib.ExitStack() as unless_ours:
        unless_ours.callback(children.close)
        if not take_name(ledger, options.offer, round(options.lease_s * 1000), signals.wait):
            return
        unless_ours.pop_all()
    maker = Maker(
        node=name,
        worker=store.keys.queue(name),
        url=url,
        has_gpus="gpu" in capabilities.devices,
        allow_pickle=given["allow_pickle"],
        environ=dict(os.environ),
    )
    agent = Agent(ledger, children, Hints(store, name), maker, options)
    signals.attach(agent)
    if given["tether"] is not None:
        Tether(given["tether"], agent)
    logger.info("node %s serves %s", name, store.address)
    agent.run()


def _settle(given: dict[str, Any]) -> settings.NodeSettings:
    """Flags over the file."""
    node = settings.load(given["config"]) if given["config"] else settings.NodeSettings()
    flags = {field: given[field] for field in ("name", "cpu", "memory", "gpu", "slots", "url", "namespace", "lease")}
    return replace(
        node,
        **{field: value for field, value in flags.items() if value is not None},
        resources={**node.resources, **given["resources"]},
        device_memory={**node.device_memory, **given["device_memory"]},
        labels={**node.labels, **given["labels"]},
    )


def _options(name: str, node: settings.NodeSettings, given: dict[str, Any]) -> Options:
    if node.lease is not None and not SHORTEST_LEASE_S <= node.lease <= 3600:
        raise ValueError(f"--lease is {node.lease}: give {SHORTEST_LEASE_S} to 3600 seconds")
    machine = None if given["no_probe"] or leaves_nothing_open(node) else probe()
    return Options(
        make_offer(name, node, machine),
        lease_s=15.0 if node.lease is None else float(node.lease),
        grace_s=given["grace"],
        burst=given["burst"],
    )


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
