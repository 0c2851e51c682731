"""The resource tracker on Redis: nodes and claims; every change is one script.

Knows nothing of functions that are submitted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from handoff.books.groups import groups
from handoff.books.reservation import Claim, Reservation, check_nodes, check_owner, check_reservation, check_ttl
from handoff.errors import NodeIsLeased, OtherLayout, ResourcesUnavailable, UnknownNode
from handoff.ledger.asking import Ledger, unlisted
from handoff.ledger.nodes import Node, read_nodes, write_capabilities
from handoff.ledger.store import Store, returning
from handoff.ledger.texts.cost import read_cost, read_pairs, write_cost
from handoff.ledger.texts.demand import write_costs
from handoff.ledger.texts.devices import read_devices
from handoff.ledger.texts.holder import in_words
from handoff.ledger.texts.labels import write_labels
from handoff.ledger.texts.list import write_list
from handoff.ledger.texts.loss import DEREGISTERED
from handoff.ledger.texts.reservation import claim_id, read_record
from handoff.ledger.texts.terms import write_terms
from handoff.ledger.upgrading import upgrade
from handoff.words.capabilities import DeviceMemory, parse_capabilities
from handoff.words.constraints import parse_labels
from handoff.words.function import Function, Strategy, check_strategy
from handoff.words.ids import new_id
from handoff.words.names import check_node_name, is_node_name, known_name
from handoff.words.resources import Amount, Number, Units, amounts, parse_cost
from handoff.words.times import milliseconds
from handoff.words.values import is_unicode


class TrackerCalls:
    """What a `ResourceTracker` can be asked whose state is in Redis, as code that awaits.

    The protocol's docstrings (`handoff.ResourceTracker`) hold; besides them every call may raise `StoreUnavailable`.
    """

    def __init__(self, ledger: Ledger, strategy: Strategy = "first_available") -> None:
        self._ledger = ledger
        self._strategy = check_strategy(strategy)

    async def register_node(
        self,
        name: str,
        capabilities: Mapping[str, Number | Sequence[int]],
        labels: Mapping[str, str] | None = None,
        device_memory: DeviceMemory | None = None,
    ) -> None:
        units, devices = write_capabilities(parse_capabilities(capabilities, device_memory))
        check_node_name(name)
        listed = write_labels(parse_labels(name, labels))
        while True:
            try:
                reply = await self._ledger.run("register_node", name=name, units=units, devices=devices, labels=listed)
            except OtherLayout as error:
                if not error.is_older:
                    raise
                await upgrade(self._ledger)
                continue
            match reply:
                case ["registered"]:
                    return
                case ["again"]:
                    continue
                case ["leased", bytes(holder)]:
                    raise NodeIsLeased(name, in_words(holder.decode()))
                case _:
                    raise unlisted("register_node", reply)

    async def deregister_node(self, name: str) -> None:
        known_name(name)
        began = False
        while True:
            reply, resent = await self._ledger.run_noting("deregister", name=name, incarnation="", cause=DEREGISTERED)
            match reply:
                case ["gone"]:
                    return
                case ["again"]:
                    began = True
                case ["unknown"]:
                    # After a lost reply the node may be gone by our own hand.
                    if began or resent:
                        return
                    raise UnknownNode(name)
                case _:
                    raise unlisted("deregister", reply)

    async def discover_nodes(self) -> dict[str, dict[str, Amount]]:
        return {node.name: node.has() for node in await read_nodes(self._ledger) if node.live}

    async def capabilities(self, node: str) -> dict[str, Amount]:
        return (await self._live(node)).has()

    async def available(self, node: str) -> dict[str, Amount]:
        return (await self._live(node)).free()

    async def resources_available(self, node: str, cost: Mapping[str, Number] | None) -> bool:
        units = parse_cost(cost)
        return is_node_name(node) and bool((await self._ledger.run("probe", name=node, cost=write_cost(units)))[1])

    async def request(
        self, node: str, cost: Mapping[str, Number] | None, ttl: float | None = None, owner: str | None = None
    ) -> Reservation:
        units = parse_cost(cost)
        terms = _terms(ttl, owner)
        known_name(node)
        id = claim_id(new_id())
        reply = await self._ledger.run("request", name=node, id=id, cost=write_cost(units), **terms)
        match reply:
            case ["reserved", bytes(devices)]:
                return _reservation(id, node, units, devices)
            case ["short", list(short)]:
                raise ResourcesUnavailable(node, amounts(read_pairs(short)))
            case ["unknown"]:
                raise UnknownNode(node)
            case _:
                raise unlisted("request", reply)

    async def release(self, reservation: Reservation) -> bool:
        check_reservation(reservation)
        # A record of another tracker, or of nobody.
        if not is_unicode(reservation.id):
            return False
        return bool(await self._ledger.run("release", id=reservation.id, token=new_id()) == ["released"])

    async def claims(self) -> list[Claim]:
        found: dict[bytes, tuple[int, Claim]] = {}
        cursor = "0"
        while True:
            match await self._ledger.run("list_claims", cursor=cursor):
                case ["claims", bytes(following), list(told), int(now_ms)]:
                    # A walk by cursor may come by the same one twice.
                    found |= {told[i]: _claim(now_ms, *told[i : i + 5]) for i in range(0, len(told), 5)}
                    cursor = following.decode()
                case reply:
                    raise unlisted("list_claims", reply)
            if cursor == "0":
                return [claim for _, claim in sorted(found.values(), key=lambda each: each[0])]

    async def allocate_and_claim(
        self,
        functions: Sequence[Function],
        nodes: Sequence[str] | None = None,
        ttl: float | None = None,
        owner: str | None = None,
    ) -> dict[str, Reservation]:
        terms = _terms(ttl, owner)
        claims: list[tuple[str, str]] = []
        first: Units | None = None
        rest: list[str | int] = []
        for number, group in enumerate(groups(functions)):
            if group.lost:
                raise ResourcesUnavailable(group.pin, amounts(group.costs[0]))
            first = first or group.costs[0]
            for i, member in enumerate(group.members):
                id = claim_id(new_id())
                claims.append((member.id, id))
                costs = write_costs(option[i] for option in group.options)
                rest += [id, number, group.strategy or self._strategy, write_terms(group.terms), costs]
        among = [name for name in check_nodes(nodes) if is_node_name(name)]
        if nodes is not None and not among and claims:
            raise ResourcesUnavailable(None, amounts(first or {}))
        reply = await self._ledger.run("allocate", *rest, among=write_list(among), **terms)
        match reply:
            case ["claimed", list(placed)]:
                claimed = {
                    function_id: _reservation(id, node.decode(), read_cost(cost.decode()), devices)
                    for (function_id, id), node, devices, cost in zip(
                        claims, placed[::3], placed[1::3], placed[2::3], strict=True
                    )
                }
                return {function.id: claimed[function.id] for function in functions if function.id in claimed}
            case ["short", bytes(pin), list(short)]:
                raise ResourcesUnavailable(pin.decode() or None, amounts(read_pairs(short)))
            case _:
                raise unlisted("allocate", reply)

    async def _live(self, name: str) -> Node:
        for node in await read_nodes(self._ledger, known_name(name)):
            if node.live:
                return node
        raise UnknownNode(name)


class RedisResourceTracker:
    """A `ResourceTracker` whose state is in Redis alone: any number of processes may use it at once.

    It is `cluster.tracker`. The protocol's docstrings (`handoff.ResourceTracker`) hold; besides them every call may
    raise `StoreUnavailable`.
    """

    def __init__(self, store: Store, strategy: Strategy = "first_available") -> None:
        self.calls = TrackerCalls(store.awaited, strategy)

    register_node = returning(TrackerCalls.register_node)
    deregister_node = returning(TrackerCalls.deregister_node)
    discover_nodes = returning(TrackerCalls.discover_nodes)
    capabilities = returning(TrackerCalls.capabilities)
    available = returning(TrackerCalls.available)
    resources_available = returning(TrackerCalls.resources_available)
    request = returning(TrackerCalls.request)
    release = returning(TrackerCalls.release)
    allocate_and_claim = returning(TrackerCalls.allocate_and_claim)
    claims = returning(TrackerCalls.claims)


def _terms(ttl: float | None, owner: str | None) -> dict[str, Any]:
    check_ttl(ttl)
    return {"ttl_ms": 0 if ttl is None else milliseconds(ttl), "owner": check_owner(owner)}


def _claim(now_ms: int, id: bytes, node: bytes, record: bytes, owner: bytes, ends_ms: int) -> tuple[int, Claim]:
    """-> since when it is held, and the claim"""
    held = read_record(record.decode())
    reservation = Reservation(id.decode(), node.decode(), amounts(held.whole), held.indices())
    left_s = (ends_ms - now_ms) / 1000 if ends_ms else None
    return held.since_ms, Claim(reservation, owner.decode() or None, max(0, now_ms - held.since_ms) / 1000, left_s)


def _reservation(id: str, node: str, units: Units, devices: bytes) -> Reservation:
    return Reservation(id, node, amounts(units), read_devices(devices.decode()))
