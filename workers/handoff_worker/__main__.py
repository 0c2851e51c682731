"""`python -m handoff_worker`: the agent of one node; `handoff node` runs the same."""

from __future__ import annotations

import json
import logging
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from math import inf, isnan
from pathlib import Path
from typing import Any, NoReturn

import click

from handoff.errors import HandoffError, shown
from handoff.exits import DONE, FAILED, INTERRUPTED, MISUSED
from handoff.ledger.asking import ScriptBug
from handoff.ledger.connection import SILENCE_S
from handoff.ledger.learned import LEARN_TTL_S
from handoff.ledger.passwords import hide_command_line, without_passwords
from handoff.ledger.store import Store, own_client
from handoff.shown import error_line
from handoff.words.address import DEFAULT_NAMESPACE, default_url
from handoff.words.names import check_namespace, check_node_name
from handoff.words.resources import SLOTS, UNIT
from handoff_worker import log
from handoff_worker.agent.ledger import NameTaken
from handoff_worker.agent.lifetime import Signals, Tether
from handoff_worker.agent.options import Options
from handoff_worker.agent.start import run_node
from handoff_worker.arguments import allow, amount, device_memory, grace, labels, lease, preload, resources, settle
from handoff_worker.check import PATIENCE_S, check
from handoff_worker.children.nursery import Imports, NoProcess, NotLoaded, NurseryBroken
from handoff_worker.inside.telling import LOG_BYTES
from handoff_worker.machine.holder import host
from handoff_worker.machine.mask import Mask
from handoff_worker.machine.offer import Offer, leaves_nothing_open, make_offer, with_fewer_slots
from handoff_worker.machine.open_files import make_room
from handoff_worker.machine.own_groups import NoGroups
from handoff_worker.machine.probe import probe
from handoff_worker.machine.settings import LARGEST_LOG_KB, LONGEST_LEARN_TTL_S, NodeSettings
from handoff_worker.machine.titles import Title, front_of


@click.command(name="handoff node", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--name", help="Name of the node. Default: the host's name.")
@click.option("--cpu", callback=amount, help="Cores. Default: what this machine and its container allow.")
@click.option("--memory", callback=amount, help="MB of 2**20 bytes. Default: as for --cpu.")
@click.option("--gpu", callback=amount, help="How many NVIDIA devices, or their indices as [0,3]. Default: all.")
@click.option("--resource", "resources", multiple=True, callback=resources, help="NAME=AMOUNT of anything else.")
@click.option("--device-memory", multiple=True, callback=device_memory,
              help="NAME=MB on each device, or a list as gpu=[24000,40000]. Default for gpu: as probed.")  # fmt: skip
@click.option("--label", "labels", multiple=True, callback=labels, help="NAME=VALUE that functions may ask for.")
@click.option("--slots", callback=amount, help="Functions that run at once. Default: 24, or 4 per core if more.")
@click.option(
    "--path",
    "paths",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Importable for functions, as is the current directory.",
)
@click.option("--burst", is_flag=True, help="End when nothing runs, and nothing waits that this node could run.")
@click.option("--config", type=click.Path(path_type=Path), help="A TOML file with the same settings; flags win.")
@click.option("--lease", type=float, callback=lease, help="Seconds until a silent node is lost.  [default: 15]")
@click.option("--grace", callback=grace, help="Seconds that TERM leaves to what runs, or forever.  [default: 30]")
@click.option("--wait", type=click.FloatRange(0), default=inf,
              help="Seconds that a start waits for a Redis that is away.  [default: for ever]")  # fmt: skip
@click.option("--functions-per-child", type=int, help="After how many a child process is replaced.  [default: 1000]")
@click.option("--log-size", type=click.IntRange(0, LARGEST_LOG_KB), metavar="KB",
              help="Kept of what an attempt prints and logs; 0 = nothing.  [default: 64]")  # fmt: skip
@click.option("--allow", multiple=True, callback=allow,
              help="A MODULE, or MODULE:NAME, whose functions may be called here. Default: all can.")  # fmt: skip
@click.option("--preload", multiple=True, callback=preload, metavar="MODULE[:CALLABLE]",
              help="Import it, and call it, before any function runs: once for all, and in each process.")  # fmt: skip
@click.option("--enforce", is_flag=True, default=None,
              help="Stop functions that use more memory than they have declared, and a tenth or 64 MB.")  # fmt: skip
@click.option("--enforce-cpu", is_flag=True, default=None,
              help="Give functions no more of the processors than they have declared, by control groups.")  # fmt: skip
@click.option("--learn-ttl", type=click.IntRange(0, LONGEST_LEARN_TTL_S), metavar="SECONDS",
              help="Keep what functions have used so long; 0 = learn nothing.  [default: thirty days]")  # fmt: skip
@click.option("--watch-external", is_flag=True, default=None,
              help="Keep memory free that other programs use on this host, of its gpus too.")  # fmt: skip
@click.option("--allow-pickle", is_flag=True, help="Load pickled arguments: whoever writes to Redis runs code here.")
@click.option("--no-probe", is_flag=True, help="Have only what is given here; do not look at this machine.")
@click.option("--url", help="Redis. Default: HANDOFF_REDIS_URL, REDIS_URL, redis://localhost:6379/0.")
@click.option("--namespace", help=f"Default: {DEFAULT_NAMESPACE}.")
@click.option("--log-format", type=click.Choice(log.FORMS),
              help="Of the log, which goes to stderr: an object a line, or text.  [default: text]")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The same as --log-format json.")
@click.option("--check", is_flag=True, help="Start nothing: exit with 0 if the agent of this host is alive, else 1.")
@click.option("--tether", type=int, hidden=True)
def main(**given: Any) -> None:
    """Run the agent of this node: register it, run its functions in child processes, heartbeat.

    TSTP: take no more work. TERM or Ctrl-C: finish by a deadline and hand back the rest. A second one: at once.
    """
    if given["check"]:
        _check(given)
    signals = Signals(None if given["tether"] is None else Tether(given["tether"]))
    _set_up_log("json" if given["as_json"] else given["log_format"] or os.environ.get(log.VARIABLE) or log.FORMS[0])
    with _misuse_told():
        node = settle(given)
        name = check_node_name(node.name or host())
        namespace = check_namespace(node.namespace or DEFAULT_NAMESPACE)
        options = _options(name, node, given)
        if node.allow and given["allow_pickle"]:
            raise ValueError("--allow-pickle lets whatever is pickled be called, --allow does not: give one of them")
        if isnan(given["wait"]):
            raise ValueError("--wait is nan: give seconds, 0 to end at once")
    front = front_of(name, namespace)
    title = Title(front)
    title.name("handoff node")
    title.show()
    url = node.url or default_url()
    store = _store(url, namespace)
    try:
        run_node(
            store,
            name,
            options,
            signals,
            url=url,
            imports=Imports(
                [str(path) for path in (*given["paths"], *((node.path,) if node.path else ()))],
                node.preload or (),
                signals.await_readable,
                front,
                is_agent=True,
            ),
            allow_pickle=given["allow_pickle"],
            allow=node.allow or (),
            patience_s=given["wait"],
        )
    except (HandoffError, NameTaken, NoGroups, NoProcess, NotLoaded, NurseryBroken, ScriptBug) as error:
        _fail(error, str(error), as_json=given["as_json"])
        sys.exit(FAILED)


def _check(given: dict[str, Any]) -> NoReturn:
    with _misuse_told():
        node = settle(given)
        name = node.name and check_node_name(node.name)
        namespace = check_namespace(node.namespace or DEFAULT_NAMESPACE)
    try:
        found = check(_store(node.url or default_url(), namespace, PATIENCE_S), name or None)
    except HandoffError as error:
        _fail(error, str(error), as_json=given["as_json"])
        sys.exit(FAILED)
    click.echo(json.dumps(asdict(found)) if given["as_json"] else found.reason)
    sys.exit(FAILED if found.alive is False else DONE)


@contextmanager
def _misuse_told() -> Iterator[None]:
    try:
        yield
    except (HandoffError, ValueError, OSError) as error:
        raise click.UsageError(str(error)) from error


def _store(url: str, namespace: str, timeout_s: float = SILENCE_S) -> Store:
    try:
        return Store(own_client(None, url, timeout_s), namespace, timeout_s=timeout_s)
    except ValueError as error:
        raise click.UsageError(f"--url: {error}") from error


def _options(name: str, node: NodeSettings, given: dict[str, Any]) -> Options:
    if node.functions_per_child is not None and node.functions_per_child < 1:
        raise ValueError(f"--functions-per-child is {node.functions_per_child}: give a whole number of 1 or more")
    machine = None if given["no_probe"] or leaves_nothing_open(node) else probe()
    return Options(
        _as_far_as_files_go(make_offer(name, node, machine, Mask.read(os.environ))),
        lease_s=15.0 if node.lease is None else float(node.lease),
        grace_s=30.0 if node.grace is None else node.grace,
        burst=given["burst"],
        functions_per_child=node.functions_per_child or 1_000,
        enforces=bool(node.enforce),
        enforces_cpu=bool(node.enforce_cpu),
        learn_ttl_s=LEARN_TTL_S if node.learn_ttl is None else node.learn_ttl,
        watches_external=bool(node.watch_external),
        log_bytes=LOG_BYTES if node.log_size is None else 1024 * node.log_size,
    )


def _as_far_as_files_go(offer: Offer) -> Offer:
    slots = offer.capabilities.units[SLOTS] // UNIT
    fits = make_room(slots)
    if fits == slots:
        return offer
    logging.getLogger(__name__).warning(
        "%d functions run here at once, and not %d: a process may have only %d files open, raise that limit "
        "(ulimit -n, LimitNOFILE= of a service)",
        fits, slots, resource.getrlimit(resource.RLIMIT_NOFILE)[1],
    )  # fmt: skip
    return with_fewer_slots(offer, fits)


def _set_up_log(form: str) -> None:
    level = os.environ.get("HANDOFF_LOG_LEVEL", "").upper() or "INFO"
    if level not in (names := logging.getLevelNamesMapping()):
        raise click.UsageError(f"HANDOFF_LOG_LEVEL is {shown(level)}: choose one of {', '.join(names)}")
    if form not in log.FORMS:
        raise click.UsageError(f"{log.VARIABLE} is {shown(form)}: choose one of {', '.join(log.FORMS)}")
    # For what functions print, in other processes.
    os.environ[log.VARIABLE] = form
    log.set_up(form, level)


def _fail(error: Exception, text: str, *, as_json: bool) -> None:
    click.echo(error_line(error, text) if as_json else f"handoff node: {text}", err=True)


def run() -> None:
    """Run the command; a bad argument is told in one line."""
    hide_command_line()
    try:
        main(prog_name="handoff node", standalone_mode=False)
    except click.ClickException as error:
        told = " ".join(without_passwords(error.format_message()).split())
        # What cannot be read may stand in front of --json.
        _fail(error, f"{told} (see handoff node --help)", as_json="--json" in sys.argv[1:])
        sys.exit(MISUSED)
    except click.Abort:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    run()
