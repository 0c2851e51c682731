"""What a node offers: what its operator says, and where that is silent what the machine has. Looks at no machine."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from handoff.errors import shown
from handoff.words.capabilities import Capabilities, parse_capabilities
from handoff.words.constraints import parse_labels
from handoff.words.resources import SLOTS, UNIT
from handoff_worker.machine.gpus import Gpu
from handoff_worker.machine.mask import MASK_VARIABLE, Mask
from handoff_worker.machine.probe import MachineCapabilities
from handoff_worker.machine.settings import NodeSettings

GPU_MEMORY = "gpu_memory"

GPU_MODEL = "gpu_model"
"""The label that a node has by itself where all of its gpus are of one model."""

FEWEST_SLOTS = 24
"""Half of them are on their way to the books and back while the others run: so one call is about ten functions. With 16
two cores finish an eighth less of those that take no time, for each half waits for the other."""

SLOTS_PER_CORE = 4

_LONGEST_LABEL = 63
_NOT_IN_LABELS = re.compile(r"[^A-Za-z0-9_.:/+()-]+")


@dataclass(frozen=True, slots=True)
class Offer:
    """What is registered of a node."""

    capabilities: Capabilities
    labels: Mapping[str, str] = field(default_factory=dict)


def leaves_nothing_open(node: NodeSettings) -> bool:
    """Whether the machine has nothing to add to what is said, so that it need not be looked at."""
    said = _said(node)
    return {"cpu", "memory", "gpu"} <= said.keys() and said["gpu"] in (0, [])


def make_offer(name: str, node: NodeSettings, machine: MachineCapabilities | None, mask: Mask | None = None) -> Offer:
    """Put together what the node of that name offers; without a `machine` only what is said. No gpu outside the mask.

    What the driver knows of the gpus that are offered is offered too: their memory, where it knows that of each, and
    their model as a label, where that is one. Raises `InvalidResources`, `InvalidNode` for a label, and ValueError.
    """
    amounts, labels = _said(node), parse_labels(name, node.labels)
    memory: dict[str, Any] = dict(node.device_memory)
    found = [gpu.index for gpu in machine.gpus] if machine is not None else []
    if "gpu" in amounts:
        amounts["gpu"] = _indices(amounts["gpu"], found, mask)
    if machine is not None:
        amounts.setdefault("cpu", machine.cpu)
        amounts.setdefault("memory", machine.memory_mb)
        amounts.setdefault("gpu", found)
        gpus = _described(amounts, machine.gpus)
        if GPU_MEMORY not in amounts and (sizes := _sizes(gpus)):
            memory.setdefault("gpu", sizes)
        if model := _model(gpus):
            labels.setdefault(GPU_MODEL, model)
    return Offer(_with_slots(parse_capabilities(amounts, memory), said=SLOTS in amounts), labels)


def with_fewer_slots(offer: Offer, slots: int) -> Offer:
    """The same with so many slots."""
    units = {**offer.capabilities.units, SLOTS: slots * UNIT}
    return replace(offer, capabilities=replace(offer.capabilities, units=units))


def _said(node: NodeSettings) -> dict[str, Any]:
    amounts: dict[str, Any] = dict(node.resources)
    for name, amount in (("cpu", node.cpu), ("memory", node.memory), ("gpu", node.gpu), (SLOTS, node.slots)):
        if amount is not None:
            amounts[name] = amount
    return {name: list(amount) if isinstance(amount, tuple) else amount for name, amount in amounts.items()}


def _indices(said: Any, found: Sequence[int], mask: Mask | None) -> Any:
    """The gpus that are offered; a number means the first of those that this agent may use, if it may use so many."""
    usable = list(found) or list(mask.entries if mask else ())
    if mask is not None:
        wanted = parse_capabilities({"gpu": said}).devices.get("gpu", ())
        if isinstance(said, list):
            asked, is_hidden = f"gpus {list(wanted)} are", not set(wanted) <= set(usable)
        else:
            asked, is_hidden = f"{len(wanted)} gpus are", len(wanted) > len(usable)
        if is_hidden:
            left = f"gpus {usable}" if usable else "no gpu"
            raise ValueError(
                f"{asked} to be offered, and {MASK_VARIABLE} is {shown(mask.text)}, which leaves {left}: "
                f"give no more and no others, or start it with another {MASK_VARIABLE}"
            )
    if not isinstance(said, list) and said in range(len(usable) + 1):
        return usable[: int(said)]
    return said


def _described(amounts: Mapping[str, Any], gpus: Sequence[Gpu]) -> list[Gpu]:
    """What the driver says of each gpu that is offered; nothing where it does not know all of them."""
    known = {gpu.index: gpu for gpu in gpus}
    offered = parse_capabilities(amounts).devices.get("gpu", ())
    return [known[index] for index in offered] if known.keys() >= set(offered) else []


def _sizes(gpus: Sequence[Gpu]) -> list[int]:
    sizes = [gpu.memory_mb for gpu in gpus if gpu.memory_mb is not None]
    return sizes if len(sizes) == len(gpus) else []


def _model(gpus: Sequence[Gpu]) -> str:
    """The one model of all gpus in the characters that a label may have, '' where there are several or none."""
    models = {" ".join(_NOT_IN_LABELS.sub(" ", gpu.model).split())[:_LONGEST_LABEL].rstrip() for gpu in gpus}
    return models.pop() if len(models) == 1 else ""


def _with_slots(capabilities: Capabilities, said: bool) -> Capabilities:
    slots = capabilities.units.get(SLOTS, 0)
    if said and (slots == 0 or slots % UNIT):
        raise ValueError("--slots is a whole number of at least 1")
    if said:
        return capabilities
    cores = capabilities.units.get("cpu", 0) / UNIT
    slots = max(FEWEST_SLOTS, int(SLOTS_PER_CORE * cores)) * UNIT
    return replace(capabilities, units={**capabilities.units, SLOTS: slots})
