"""The text forms that Python and Lua share are the agreed ones, and are read as they were written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import handoff.ledger.texts
from handoff.errors import InvalidFunction
from handoff.ledger.nodes import write_capabilities
from handoff.ledger.rqmodel import check_job_id
from handoff.ledger.texts.cost import asked_for, read_cost, read_pairs, with_slot, write_cost
from handoff.ledger.texts.demand import read_demand, write_costs, write_demand
from handoff.ledger.texts.device_field import read_device_field
from handoff.ledger.texts.devices import read_devices
from handoff.ledger.texts.entries import write_entry
from handoff.ledger.texts.group_field import chooser_field
from handoff.ledger.texts.hold import read_hold
from handoff.ledger.texts.index_name import read_index_name
from handoff.ledger.texts.labels import read_labels, write_labels
from handoff.ledger.texts.list import read_list, write_list
from handoff.ledger.texts.node_class import read_node_class
from handoff.ledger.texts.node_field import read_node_field
from handoff.ledger.texts.number_list import write_numbers
from handoff.ledger.texts.offered_devices import write_offered_devices
from handoff.ledger.texts.options import write_options
from handoff.ledger.texts.reservation import callback_id, claim_id, job_of, read_record
from handoff.ledger.texts.result import write_result
from handoff.ledger.texts.run_id import is_run_token, number_of, run_job_id, run_token
from handoff.ledger.texts.shape import read_shape, write_shape
from handoff.ledger.texts.shortfall import Item, Unlike, read_shortfall
from handoff.ledger.texts.terms import capacity_of, capacity_term, read_terms, write_term, write_terms
from handoff.words.capabilities import Capabilities, parse_capabilities
from handoff.words.constraints import Not, Term, parse_where
from handoff.words.resources import UNLIMITED
from handoff.words.variants import After, Variant, parse_variants
from ledger.texts.examples import EXAMPLES, RUN

COSTS = st.dictionaries(st.sampled_from(["cpu", "gpu", "gpu_memory", "a.b-c", "_"]), st.integers(1, UNLIMITED))
CONSTRAINTS: st.SearchStrategy[Any] = st.sampled_from(
    [None, {"zone": "eu:1/a"}, {"gpu_model": ["A100 (80GB)", "H100"], "tier": Not("spot")}]
)
PINS = st.sampled_from([None, "a", "12@34.5-x"])


@dataclass(frozen=True)
class Python:
    """What Python does with one format: halves that only Lua has are None. Of some texts Python reads a part alone."""

    write: Callable[[Any], Any] | None = None
    read: Callable[[Any], Any] | None = None
    part: Callable[[Any], Any] = lambda value: value  #: of the value of an example: what Python reads


def _terms(value: list[Any]) -> list[Term]:
    return [Term(name, tuple(values), negated=negated) for name, values, negated in value]


def _plain_terms(terms: tuple[Term, ...]) -> list[Any]:
    return [[term.name, list(term.values), term.negated] for term in terms]


def _read_shape(text: str) -> Any:
    shape = read_shape(text)
    return {"cost": shape.cost, "terms": _plain_terms(shape.terms)}


def _write_demand(value: Any) -> str:
    return write_demand([Variant(after_ms, cost) for after_ms, cost in value["variants"]], _terms(value["terms"]))


def _read_demand(text: str) -> Any:
    demand = read_demand(text)
    variants = [[variant.after_ms, variant.cost] for variant in demand.variants]
    return {"variants": variants, "terms": _plain_terms(demand.terms)}


def _indices(value: list[Any]) -> dict[str, list[int]]:
    return {name: sorted(index for each, index, *_ in value if each == name) for name, *_ in value}


def _offered(value: Any) -> str:
    return write_offered_devices(
        Capabilities(
            units={},
            devices={name: tuple(index for index, _ in devices) for name, devices in value.items()},
            memory={
                name: tuple(memory for _, memory in devices)
                for name, devices in value.items()
                if devices[0][1] is not None
            },
        )
    )


def _read_node_class(text: str) -> Any:
    found = read_node_class(text)
    return {"values": found.values, "labels": found.labels}


def _read_record(text: str) -> Any:
    reserved = read_record(text)
    return [reserved.since_ms, reserved.cost]


def _read_hold(text: str) -> Any:
    hold = read_hold(text)
    return [hold.job_id, hold.lacks]


def _write_options(value: Any) -> str:
    return write_options(
        unfit_ms=value.get("unfit", 0),
        wait_ms=value.get("wait", 0),
        strategy=value.get("strategy", "first_available"),
        delay_ms=value.get("delay", 0),
        due_ms=value.get("due", 0),
        prefer=value.get("prefer", ""),
    )


def _read_shortfall(text: str) -> Any:
    found = read_shortfall(text)
    return {"node": found.node, "items": [_plain_item(item) for item in found.items], "drained": found.drained}


def _plain_item(item: Item) -> list[Any]:
    if isinstance(item, Unlike):
        return ["label", item.term.name, list(item.term.values), item.term.negated, item.there]
    return [item.of, item.resource, item.wanted, item.there]


def _write_entries(value: Any) -> list[str]:
    return [str(part) for kind, number, values in value for part in write_entry(kind, number, *values)]


def _write_result(value: Any) -> list[str]:
    return [
        str(part)
        for part in write_result(
            value["id"], value["kind"], value["body"], value["error"], value["message"],
            value["is_retryable"], value["jitter"], write_list(value["forms"]),
        )
    ]  # fmt: skip


FORMATS = {
    "cost": Python(write_cost, read_cost),
    "labels": Python(write_labels, read_labels),
    "terms": Python(lambda value: write_terms(_terms(value)), lambda text: _plain_terms(read_terms(text))),
    "terms.capacity": Python(
        lambda value: write_term(capacity_term(value)), lambda text: capacity_of(read_terms(text)[0])
    ),
    "shape": Python(lambda value: write_shape(value["cost"], _terms(value["terms"])), _read_shape),
    "demand": Python(_write_demand, _read_demand),
    "demand.costs": Python(write_costs, lambda text: [variant.cost for variant in read_demand(text).variants]),
    "devices": Python(read=read_devices, part=_indices),
    "offered_devices": Python(_offered),
    "device_field": Python(
        read=lambda text: [[each.index, each.share, *(each.memory or (None, None))] for each in read_device_field(text)]
    ),
    "node_field": Python(read=lambda text: list(read_node_field(text))),
    "index_name": Python(read=lambda text: [part or None for part in read_index_name(text)]),
    "node_class": Python(read=_read_node_class),
    "reservation.id": Python(read=job_of, part=lambda value: value[0]),
    "reservation.record": Python(
        read=_read_record, part=lambda value: [value["since"], value["cost"] | value["shared"]]
    ),
    "hold": Python(read=_read_hold, part=lambda value: [value["job"], value["lacks"]]),
    "options": Python(_write_options),
    "shortfall": Python(read=_read_shortfall),
    "run_id.job": Python(lambda value: run_job_id(*value), number_of, lambda value: value[1]),
    "run_id.token": Python(run_token),
    "group_field": Python(lambda value: chooser_field(value[0])),
    "number_list": Python(write_numbers),
    "list": Python(write_list, read_list),
    "entries": Python(_write_entries),
    "result": Python(_write_result),
}

WRITTEN = [(name, *example) for name, python in FORMATS.items() if python.write for example in EXAMPLES[name]]
READ = [(name, *example) for name, python in FORMATS.items() if python.read for example in EXAMPLES[name]]


def test_every_format_has_examples() -> None:
    (folder,) = handoff.ledger.texts.__path__
    modules = {path.stem for path in Path(folder).glob("*.py")} - {"__init__"}

    assert EXAMPLES.keys() == FORMATS.keys()
    assert {name.partition(".")[0] for name in FORMATS} == modules


@pytest.mark.parametrize(("name", "value", "text"), WRITTEN)
def test_a_text_is_written(name: str, value: Any, text: Any) -> None:
    write = FORMATS[name].write

    assert write is not None
    assert write(value) == text


@pytest.mark.parametrize(("name", "value", "text"), READ)
def test_a_text_is_read(name: str, value: Any, text: Any) -> None:
    read = FORMATS[name].read

    assert read is not None
    assert read(text) == FORMATS[name].part(value)


class TestCosts:
    @given(COSTS)
    def test_a_cost_is_read_as_it_was_written(self, cost: dict[str, int]) -> None:
        assert read_cost(write_cost(cost)) == cost

    def test_equal_costs_give_equal_texts(self) -> None:
        assert write_cost({"gpu": 5000, "cpu": 20000}) == write_cost({"cpu": 20000, "gpu": 5000})

    def test_a_cost_in_a_reply_is_read(self) -> None:
        assert read_pairs([b"cpu", b"20000", b"gpu_memory", b"5000"]) == {"cpu": 20000, "gpu_memory": 5000}
        assert read_pairs([]) == {}

    def test_what_was_asked_for_is_without_the_slot_and_the_token_of_a_run(self) -> None:
        taken = with_slot({"cpu": 20000, run_token(RUN): 10000, "run.fast": 10000})

        assert taken["slots"] == 10000
        assert asked_for(taken) == {"cpu": 20000, "run.fast": 10000}


class TestTerms:
    def test_terms_are_written_in_order_whatever_order_they_come_in(self) -> None:
        terms = [*parse_where({"b": "1", "a": Not("2"), "a.": "3"}), capacity_term({"slots": 1})]

        assert write_terms(terms[::-1]) == write_terms(terms) == "a!=2;a.=3;b=1;^=slots:1"


class TestDemands:
    @pytest.mark.parametrize(
        ("cost", "where", "pin", "text"),
        [
            (None, None, None, "slots=10000"),
            ({"gpu": 0.5, "cpu": 2}, None, None, "cpu=20000,gpu=5000,slots=10000"),
            ({"cpu": 2}, {"tier": Not("spot")}, "a", "cpu=20000,slots=10000@node=a;tier!=spot"),
            ([{"gpu": 1}, After(30, {"cpu": 8})], None, None, "gpu=10000,slots=10000&30000:cpu=80000,slots=10000"),
            (
                [After(0.5, {"gpu_memory": 6000}), {}],
                {"zone": ["b", "a"]},
                None,
                "500:gpu_memory=60000000,slots=10000@zone=a|b&slots=10000@zone=a|b",
            ),
        ],
        ids=repr,
    )
    def test_what_a_user_asks_for_is_written(self, cost: Any, where: Any, pin: str | None, text: str) -> None:
        variants = [Variant(variant.after_ms, with_slot(variant.cost)) for variant in parse_variants(cost)]

        assert write_demand(variants, parse_where(where, pin)) == text

    @given(st.lists(st.builds(Variant, st.integers(0, 10**12), COSTS), min_size=1, max_size=4), CONSTRAINTS, PINS)
    def test_a_demand_is_read_as_it_was_written(self, variants: list[Variant], where: Any, pin: str | None) -> None:
        terms = parse_where(where, pin)

        found = read_demand(write_demand(variants, terms))

        assert found.variants == tuple(variants)
        assert set(found.terms) == set(terms)
        assert write_demand(found.variants, found.terms) == write_demand(variants, terms)


class TestNodes:
    @pytest.mark.parametrize(
        ("capabilities", "memory", "units", "devices"),
        [
            ({"slots": 3}, None, "slots=30000", ""),
            ({"cpu": 2}, None, f"cpu=20000,slots={UNLIMITED}", ""),
            ({"gpu": 2, "fpga": [3], "slots": 1}, None, "fpga=10000,gpu=20000,slots=10000", "fpga:3;gpu:0,1"),
            (
                {"gpu": [1, 0], "fpga": [3], "slots": 1},
                {"gpu": [24000, 40000]},
                "fpga=10000,gpu=20000,gpu_memory=640000000,slots=10000",
                "fpga:3;gpu:0/240000000,1/400000000",
            ),
        ],
        ids=repr,
    )
    def test_what_a_node_has_is_written(self, capabilities: Any, memory: Any, units: str, devices: str) -> None:
        assert write_capabilities(parse_capabilities(capabilities, memory)) == (units, devices)

    def test_a_field_that_is_of_no_resource_has_none(self) -> None:
        assert read_node_field("draining") == ("draining", "")


class TestNames:
    def test_the_job_of_a_callback_is_that_of_its_attempt(self) -> None:
        assert callback_id("j-1:12") != "j-1:12"
        assert job_of(callback_id("j-1:12")) == "j-1"

    def test_a_claim_meets_no_reservation_of_a_function(self) -> None:
        with pytest.raises(InvalidFunction):
            check_job_id(claim_id("0f"))

    @pytest.mark.parametrize("name", ["run.fast", "run", f"run.{RUN}0", f"run.{RUN[:-1]}g", f"x{run_token(RUN)}"])
    def test_what_only_looks_like_the_token_of_a_run_is_none(self, name: str) -> None:
        assert is_run_token(run_token(RUN))
        assert not is_run_token(name)
