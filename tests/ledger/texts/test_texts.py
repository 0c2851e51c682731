"""The texts that Python writes or reads are the agreed ones, and are read as they were written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

import handoff.ledger.texts
from handoff.errors import InvalidFunction
from handoff.ledger.nodes import write_capabilities, write_external
from handoff.ledger.rqmodel import check_job_id
from handoff.ledger.texts.cost import asked_for, read_cost, read_pairs, with_slot, write_cost
from handoff.ledger.texts.demand import read_demand, write_demand
from handoff.ledger.texts.node_field import read_node_field
from handoff.ledger.texts.reservation import callback_id, claim_id, job_of
from handoff.ledger.texts.run_id import is_run_token, run_token
from handoff.ledger.texts.terms import capacity_term, write_terms
from handoff.words.capabilities import parse_capabilities
from handoff.words.constraints import Not, parse_where
from handoff.words.resources import UNLIMITED
from handoff.words.variants import After, Variant, parse_variants
from ledger.texts.draws import CONSTRAINTS, COSTS, PINS, VARIANTS
from ledger.texts.examples import EXAMPLES, RUN
from ledger.texts.python_half import FORMATS

WRITTEN = [(name, *example) for name, python in FORMATS.items() if python.write for example in EXAMPLES[name]]
READ = [(name, *example) for name, python in FORMATS.items() if python.read for example in EXAMPLES[name]]


def test_every_module_of_texts_has_examples() -> None:
    (folder,) = handoff.ledger.texts.__path__
    modules = {path.stem for path in Path(folder).glob("*.py")} - {"__init__"}

    assert FORMATS.keys() <= EXAMPLES.keys()
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

    @given(VARIANTS, CONSTRAINTS, PINS)
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

    def test_what_other_programs_use_is_written_of_sums_and_of_devices(self) -> None:
        assert write_external({"memory": 0}, {}) == ("memory=0", "")
        assert write_external({"memory": 7}, {"gpu": {1: 5, 0: 3, 2: 0}}) == ("gpu_memory=8,memory=7", "gpu:0=3m,1=5m")

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
