"""The books of a node: what is used is what its records say, and within what it has unless that was lowered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from handoff.doctor.picture import Picture
from handoff.doctor.violation import Subject, Violation, differing
from handoff.ledger.nodes import SHARED, Node
from handoff.ledger.texts.reservation import Held
from handoff.words.resources import MEMORY_SUFFIX, UNIT

RULE = "amounts"


def check_amounts(picture: Picture, node: Node, held: Mapping[str, Held]) -> Iterator[Violation]:
    """What is used is the sum of the records, of each device too, and fits unless the node says that it does not."""
    subject = ("node", node.name)
    sums: Counter[str] = Counter()
    devices: Counter[tuple[str, int]] = Counter()
    for record in held.values():
        sums.update(record.cost)
        devices.update(record.devices)
    if wrong := differing(sums, node.used):
        yield Violation(
            RULE,
            subject,
            f"what it says is used is not what its {len(held)} reservations say",
            node=node.name,
            amounts=wrong,
        )
    yield from _devices(subject, node, devices)
    fits = _fits(node, sums, devices)
    if (picture.get(f"node:{node.name}").get("over") == "1") == fits:
        says = "says that all fits" if not fits else "says that more is reserved than it has"
        yield Violation(RULE, subject, f"it {says}, which is not so", node=node.name)


def _devices(subject: Subject, node: Node, devices: Counter[tuple[str, int]]) -> Iterator[Violation]:
    for name, sizes in _devices_of(node).items():
        if node.capabilities.get(name) != sum(sizes.values()):
            wrong = differing({name: sum(sizes.values())}, {name: node.capabilities.get(name, 0)})
            yield Violation(RULE, subject, "it has not as much as its devices", node=node.name, amounts=wrong)
    for name, free in node.devices.items():
        memory = name + MEMORY_SUFFIX
        for index, units in free.items():
            expected, found = {f"{name} {index}": UNIT - devices[name, index]}, {f"{name} {index}": units}
            if index in node.memory.get(name, {}):
                left, size = node.memory[name][index]
                expected[f"{memory} {index}"], found[f"{memory} {index}"] = size - devices[memory, index], left
            if wrong := differing(expected, found):
                text = "what is free of a device is not what its reservations leave"
                yield Violation(RULE, subject, text, node=node.name, amounts=wrong)
            if devices[name, index] > UNIT:
                wrong = {f"{name} {index}": (UNIT, devices[name, index])}
                yield Violation(
                    RULE, subject, "more of a device is reserved than there is", node=node.name, amounts=wrong
                )
            if devices[name, index] and devices[memory, index]:
                wrong = {f"{memory} {index}": (0, devices[memory, index])}
                yield Violation(
                    RULE, subject, "a device serves shares and memory at once", node=node.name, amounts=wrong
                )


def _fits(node: Node, sums: Mapping[str, int], devices: Counter[tuple[str, int]]) -> bool:
    has = _devices_of(node)
    on_devices: Counter[str] = Counter()
    for (name, _), units in devices.items():
        on_devices[name] += units
    room = {name: 0 if name in has else units for name, units in node.capabilities.items()}
    fits = all(units - on_devices[name] <= room.get(name, 0) for name, units in sums.items())
    return fits and all(units <= has.get(name, {}).get(index, 0) for (name, index), units in devices.items())


def _devices_of(node: Node) -> dict[str, dict[int, int]]:
    """What each single device has: its share, and its memory."""
    shares = {name: dict.fromkeys(indices, UNIT) for name, indices in node.devices.items()}
    memory = {
        name + MEMORY_SUFFIX: {index: size for index, (_, size) in sizes.items()} for name, sizes in node.memory.items()
    }
    return shares | memory


def check_shared(picture: Picture) -> Iterator[Violation]:
    """What is used of what all share is what its records say."""
    subject = ("node", SHARED)
    fields, held = picture.get(f"node:{SHARED}"), picture.held.get(SHARED, {})
    if bool(fields) != bool(picture.shared.capabilities or held):
        text = "is there though nothing is shared" if fields else "is gone though something of it is reserved"
        yield Violation(RULE, subject, f"the hash of what all nodes share {text}", node=SHARED)
    sums: Counter[str] = Counter()
    for record in held.values():
        sums.update(record.cost)
    if wrong := differing(sums, picture.shared.used):
        text = f"what is said to be used of what all share is not what its {len(held)} records say"
        yield Violation(RULE, subject, text, node=SHARED, amounts=wrong)
