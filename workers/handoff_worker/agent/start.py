"""Puts an agent together and runs it: the node's name, the nursery, the loop, and what ends it."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import uuid
from collections.abc import Callable, Mapping, Sequence

from handoff.ledger.server_faults import ask, setting_faults, version_fault
from handoff.ledger.store import Store
from handoff.words.capabilities import Capabilities
from handoff.words.resources import SLOTS, UNIT, amounts
from handoff_worker.agent.agent import Agent
from handoff_worker.agent.beside import Beside
from handoff_worker.agent.hints import Hints
from handoff_worker.agent.ledger import NodeLedger
from handoff_worker.agent.lifetime import Signals, take_name
from handoff_worker.agent.options import Options
from handoff_worker.agent.tasks import Maker
from handoff_worker.children.enforcing import Enforcer
from handoff_worker.children.nursery import Imports
from handoff_worker.children.pool import Children
from handoff_worker.machine.external import External, Meter
from handoff_worker.machine.gpu_use import DeviceUse, read_gpu_use, tells_processes_apart
from handoff_worker.machine.gpus import find_gpus, run_command
from handoff_worker.machine.holder import this_process
from handoff_worker.machine.offer import Offer
from handoff_worker.machine.open_files import CHILDREN_PER_SLOT
from handoff_worker.machine.own_groups import CPU, MEMORY, Groups, NoGroups, in_words
from handoff_worker.machine.processes import adopt_orphans
from handoff_worker.machine.survivors import end_survivors

logger = logging.getLogger(__name__)

MOST_IDLE = 256
"""Warm children that are kept, however many slots there are."""


def run_node(
    store: Store,
    name: str,
    options: Options,
    signals: Signals,
    *,
    url: str,
    imports: Imports,
    allow_pickle: bool,
    allow: Sequence[str],
    patience_s: float,
) -> None:
    """Run the agent of a node until it has ended.

    Functions get a client for `url`, import as `imports` says, and are those that `allow` allows (see
    `machine.allowed`; none = any). A Redis that is away at the start is waited for, for up to `patience_s`. Raises
    `NameTaken`, `NotLoaded`, `NurseryBroken` and `StoreUnavailable`, also for a server that is too old; and `NoGroups`
    where functions cannot be kept to the processors that they have declared.
    """
    capabilities = options.offer.capabilities
    external = _watch(capabilities) if options.watches_external else _nothing
    ledger = NodeLedger(store, name, this_process(), uuid.uuid4().hex, beside=Beside(), external=external)
    slots = capabilities.units[SLOTS] // UNIT
    end_survivors()
    with contextlib.ExitStack() as unless_ours:
        if (groups := _groups(name, options)) is not None:
            unless_ours.callback(groups.close)
        children = Children(
            idle_limit=max(1, min(slots, MOST_IDLE)),
            functions_limit=options.functions_per_child,
            children_limit=CHILDREN_PER_SLOT * slots,
            processors=_processors(capabilities),
            imports=imports,
            adopts=adopt_orphans(),
            groups=groups,
        )
        unless_ours.callback(children.close)
        hints = Hints(store, name)
        if signals.asked:
            return
        lease_ms = round(options.lease_s * 1000)
        if not take_name(
            ledger,
            options.offer,
            lease_ms,
            signals.wait,
            patience_s,
            listen=hints.check,
            look=lambda: _look_at_server(store),
        ):
            return
        unless_ours.pop_all()
    maker = Maker(
        node=name,
        worker=store.keys.queue(name),
        url=url,
        has_gpus="gpu" in capabilities.devices,
        allow_pickle=allow_pickle,
        environ=dict(os.environ),
        allow=allow,
        log_bytes=options.log_bytes,
        enforces=options.enforces,
        enforces_cpu=options.enforces_cpu,
    )
    agent = Agent(ledger, children, hints, maker, options)
    signals.attach(agent)
    if options.watches_external:
        logger.info("node %s keeps memory free that other programs use", name)
    logger.info("node %s serves %s and offers %s", name, store.address, _in_words(options.offer))
    if allow:
        logger.info("node %s calls nothing but what is defined in %s", name, ", ".join(allow))
    with contextlib.ExitStack() as closing:
        if groups is not None:
            closing.callback(groups.close)
        if options.enforces:
            gpus = _gpus_told("kept to what was declared") if capabilities.memory else None
            enforcer = Enforcer(children.living, agent.exceed, gpus, only_gpus=groups is not None)
            agent.watch(closing.enter_context(contextlib.closing(enforcer)))
        agent.run()


def _groups(name: str, options: Options) -> Groups | None:
    """Make control groups for children, where they are to be kept to anything.

    Where the host does not let us, their memory is watched. Nobody but the kernel can keep them to processors: raises
    `NoGroups` where that is asked for.
    """
    controllers = [MEMORY] * options.enforces + [CPU] * options.enforces_cpu
    if not controllers:
        return None
    try:
        groups = Groups(controllers)
    except NoGroups as why:
        if options.enforces_cpu:
            raise NoGroups(
                f"--enforce-cpu: only control groups can keep functions to {in_words([CPU])}, and there can be none: "
                f"{why}. Give the agent a group of its own that hands down {' and '.join(controllers)} (in a unit "
                f"Delegate={' '.join(controllers)}), or start it without"
            ) from None
        logger.info("node %s keeps functions to %s by watching them: %s", name, in_words(controllers), why)
        return None
    logger.info("node %s keeps functions to %s by control groups", name, in_words(controllers))
    return groups


def _nothing() -> None:
    return None


def _gpus_told(what_for: str) -> Callable[[], Mapping[str, DeviceUse] | None] | None:
    """Who uses how much of each gpu; None, and a line in the log, where the driver knows processes by other numbers."""
    if tells_processes_apart():
        return lambda: read_gpu_use(run_command)
    logger.warning(
        "memory of gpus is not %s: in a container with process ids of its own nobody can tell who uses it, give it "
        "those of its host (hostPID, --pid=host)",
        what_for,
    )
    return None


def _watch(capabilities: Capabilities) -> Callable[[], External]:
    """Look once, and beside the loop whenever it is asked: a heartbeat tells what was found at the one before."""
    gpus = _gpus_told("looked at for what other programs use of it") if capabilities.memory else None
    uuids = {gpu.index: gpu.uuid for gpu in find_gpus(os.environ, run_command)} if gpus else {}
    meter, beside = Meter(capabilities, uuids, gpus=gpus or dict), Beside()
    meter.look()

    def tell() -> External:
        beside(meter.look)
        return meter.latest

    return tell


def _in_words(offer: Offer) -> str:
    """Say what is offered: `cpu 4, memory 8000, slots 16, gpu 2 (0, 1), labels zone=a`."""
    capabilities = offer.capabilities
    parts = []
    for name, value in amounts(capabilities.units).items():
        indices = f" ({', '.join(map(str, found))})" if (found := capabilities.devices.get(name)) else ""
        parts.append(f"{name} {value}{indices}")
    labels = [" ".join(["labels", *(f"{name}={value}" for name, value in offer.labels.items())])]
    return ", ".join(parts + labels * bool(offer.labels))


def _processors(capabilities: Capabilities) -> int:
    """How many processors functions have: those of this process, of which fewer may be offered."""
    ours = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(ours, math.ceil(capabilities.units.get("cpu", ours * UNIT) / UNIT)))


def _look_at_server(store: Store) -> None:
    facts = ask(store)
    if too_old := version_fault(store.address, facts):
        raise too_old
    for fault in setting_faults(store.address, facts):
        logger.warning("%s", fault)
