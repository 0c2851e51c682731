"""The texts that Lua writes or reads are the agreed ones: Python's, and those that only scripts know."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.ledger.texts.cost import write_cost
from handoff.ledger.texts.demand import write_demand
from handoff.ledger.texts.device_field import Device, read_device_field
from handoff.ledger.texts.devices import read_devices
from handoff.ledger.texts.labels import write_labels
from handoff.ledger.texts.offered_devices import write_offered_devices
from handoff.ledger.texts.reservation import EXTERNAL
from handoff.ledger.texts.shape import write_shape
from handoff.words.capabilities import Capabilities
from handoff.words.constraints import Term, parse_where
from handoff.words.variants import Variant
from ledger.texts.draws import CONSTRAINTS, COSTS, FAMILIES, INDICES, LABELS, MEMORY, PINS, SHARES, VARIANTS
from ledger.texts.examples import EXAMPLES, LARGE, RUN
from ledger.texts.lua_half import FORMATS, LUA
from ledger.texts.python_half import FORMATS as PYTHON
from support.lua_files import public
from support.lua_texts import TEXTS

WRITTEN = [(name, *example) for name, lua in FORMATS.items() if lua.write for example in EXAMPLES[name]]
READ = [(name, *example) for name, lua in FORMATS.items() if lua.read for example in EXAMPLES[name]]

KIND = ["8", "d", "", "0", "", "0", "0", "0", "0"]
"""Of functions that are submitted together."""

CALLS: list[tuple[str, tuple[Any, ...], Any]] = [
    ("Loss.is_death", (None,), True),
    ("Loss.is_death", ("grace 30",), False),
    (
        "Death.history",
        ([{"when": "1", "node": "a", "what": "x"}, {"when": "2", "node": "b", "what": "y"}],),
        [
            "it has died 2 times in a row: 1 on node a: x; 2 on node b: y",
            "it has died 2 times in a row\n  1 on node a: x\n  2 on node b: y",
        ],
    ),
    ("Cost.by_name", ("cpu=1,gpu_memory=1000000000000000",), {"cpu": 1, "gpu_memory": LARGE}),
    ("Cost.join", ("cpu=1", "license=2"), "cpu=1,license=2"),
    ("Cost.join", ("cpu=1", ""), "cpu=1"),
    ("Cost.join", ("", "license=2"), "license=2"),
    ("Cost.join", ("", ""), ""),
    ("Cursor.START", (), FORMATS["cursor"].write and "0|0"),
    ("Cost.is_sound", ("cpu=1,gpu=2",), True),
    ("Cost.is_sound", ("cpu=0",), False),
    ("Cost.is_sound", ("cpu=0", 0), True),
    ("Cost.is_sound", ("cpu=1,cpu=1",), False),
    ("Cost.is_sound", ("cpu=1e3",), False),
    ("Cursor.of_scan", ("18446744073709551615",), "18446744073709551615"),
    ("Cursor.of_scan", ("18446744073709551616",), "0"),
    ("Cursor.of_scan", ("x",), "0"),
    ("Demand.is_sound", ("a=1@zone=a&500:b=2",), True),
    ("Demand.is_sound", ("a=1@zone&500:b=2",), False),
    ("Demand.constrained", ("a=1&500:b=2", "node=x@y"), "a=1@node=x@y&500:b=2@node=x@y"),
    ("Demand.constrained", ("a=1@zone=a", "node=x"), "a=1@zone=a;node=x"),
    ("Demand.without", ("a=1,b=2@zone=a&500:b=2&30000:c=3", "b"), "a=1@zone=a&500:&30000:c=3"),
    ("Demand.with_least", ("a=1,b=2@zone=a&500:b=9&30000:c=3", "b", 5), "a=1,b=5@zone=a&500:b=9&30000:c=3"),
    ("Demand.shapes", ([{"shape": "a=1@zone=a", "after": 0}, {"shape": "b=2", "after": 500}],), "a=1@zone=a&b=2"),
    ("GroupField.on_node", (RUN, "3"), f"{RUN}|3"),
    ("GroupField.read_on_node", (f"{RUN}|3",), [RUN, "3"]),
    ("GroupField.parked", (RUN, "3"), f"{RUN}:3"),
    ("IndexName.forms", ("gpu_memory",), ["gpu_memory#idle", "gpu_memory#share", "gpu#memory"]),
    ("IndexName.wanted", ("cpu", 20000), [["cpu", 20000], ["cpu#idle", 2]]),
    ("IndexName.wanted", ("gpu", 2500), [["gpu", 2500], ["gpu#share", 2500]]),
    ("IndexName.wanted", ("gpu", 12500), [["gpu", 12500]]),
    ("IndexName.wanted", ("gpu_memory", 5), [["gpu_memory", 5], ["gpu#memory", 5]]),
    ("Labels.is_sound", ("tier=spot;zone=",), True),
    ("Labels.is_sound", ("tier",), False),
    ("Loss.kind", ("grace 0.5",), "grace"),
    ("Loss.kind", ("",), ""),
    ("Number.MOST", (), 2**53 - 1),
    ("Resource.amount", ("cpu=2",), ["cpu", 2]),
    ("Resource.amount", ("c u=2",), None),
    ("Number.amount", ("12",), 12),
    ("Number.amount", ("-1",), None),
    ("Number.amount", ("1.5",), None),
    ("Number.amount", ("nan",), None),
    ("Number.whole", ("9007199254740993",), None),
    ("Number.whole", ("12",), 12),
    ("Number.whole", ("-1", -1), -1),
    ("Number.whole", ("-1",), None),
    ("Number.whole", ("1.5",), None),
    ("Number.whole", ("nan",), None),
    ("Number.whole", ("0x10",), None),
    ("Number.whole", ("12", 0, 11), None),
    ("NumberList.is_sound", ("3,1",), True),
    ("NumberList.is_sound", ("3;1",), False),
    ("NumberList.next", ("3,1,30", 0), ["3", 1, 1]),
    ("NumberList.next", ("3,1,30", 1), ["1", 3, 3]),
    ("NumberList.next", ("3,1,30", 3), ["30", 5, 6]),
    ("NumberList.next", ("3,1,30", 6), None),
    ("Options.get", ("unfit=1;wait=2", "fit"), None),
    ("Options.is_sound", ("unfit=1;strategy=load_balanced;prefer=a",), True),
    ("Options.is_sound", ("sooner=1",), False),
    ("Options.is_sound", ("wait=soon",), False),
    ("Options.is_strategy", ("first_available",), True),
    ("Options.is_strategy", ("bogus",), False),
    ("Result.gpu_memory_mb", ("41,1200,2500,8000",), 8000),
    ("Result.gpu_memory_mb", ("41,1200,2500",), None),
    ("Devices.is_sound", ("",), True),
    ("Devices.is_sound", ("fpga:3=10000;gpu:0=5m,1=5m",), True),
    ("Devices.is_sound", ("gpu:0=5k",), False),
    ("Devices.is_sound", ("gpu:0=99999999999999999999m",), False),
    ("Devices.is_sound", ("gpu",), False),
    ("OfferedDevices.is_sound", ("fpga:3;gpu:0/5,1/5",), True),
    ("OfferedDevices.is_sound", ("gpu",), False),
    ("OfferedDevices.is_sound", ("gpu:x",), False),
    ("Reservation.is_job_id", ("a-b_1",), True),
    ("Reservation.is_job_id", ("a.b",), False),
    ("Reservation.EXTERNAL", (), EXTERNAL),
    ("Reservation.parts", (EXTERNAL,), None),
    ("Reservation.parts", ("~0f",), None),
    ("Reservation.is_sound", ("7|1700000000000|cpu=10000||",), True),
    ("Reservation.is_sound", ("7|0|cpu=10000||",), False),
    ("Reservation.is_sound", ("cpu=10000",), False),
    ("Resource.UNIT", (), 10000),
    ("Resource.SLOTS", (), "slots"),
    ("Resource.family", ("cpu",), "cpu"),
    ("Resource.family", ("_memory",), "_memory"),
    ("Resource.is_sound", ("gpu_memory",), True),
    ("Resource.is_sound", ("gpu#idle",), False),
    ("Result.is_sound", (["f:1", "finished", "", "", "", "0", "1", "", "1,,"], 1), True),
    ("Result.memory_mb", ("41,1200,2500",), 41),
    ("Result.memory_mb", (",1200,",), None),
    ("Result.memory_mb", ("99999999999999,,",), None),
    ("Result.is_sound", (["f:1", "exceeded", "", "", "", "0", "1", "", "41,,"], 1), True),
    ("Result.is_sound", (["f:1", "exceeded", "", "", "", "0", "1", "", ",,"], 1), False),
    ("Result.is_sound", (["f:1", "odd", "", "", "", "0", "1", "", ""], 1), False),
    ("Result.is_sound", (["f:1", "finished", "", "", "", "0", "1", "", "1"], 1), False),
    ("Result.is_sound", (["f:1", "finished", "", "", "", "0", "1", "", ",1200,"], 1), True),
    ("Result.is_sound", (["f:1", "finished", "", "", "", "0", "1", "", "41,1200"], 1), False),
    ("Result.is_sound", (["f:1", "finished", "", "", "", "0", "1", "", "41,-1,"], 1), False),
    ("Submission.read", ([], 1), None),
    ("Submission.read", (["0", "1", "j"], 1), None),
    ("Submission.read", (["2", *KIND, "1", "j"], 1), None),
    ("Submission.read", (["1", *KIND], 1), None),
    ("Submission.read", (["1", *KIND, "2", "j"], 1), None),
    ("Submission.read", (["1", *KIND, "x", "j"], 1), None),
    ("Submission.read", (["1", *KIND, "1"], 1), None),
    ("Submission.read", (["1", *KIND, "1", "j", "1"], 1), None),
    ("Submission.read", (["1", *KIND[:-1], "1", "1", "j"], 1), None),
    ("Submission.read", (["1", *KIND[:3], "0.5", *KIND[4:], "1", "j"], 1), None),
    ("Submission.read", (["1", *KIND[:5], "2", *KIND[6:], "1", "j"], 1), None),
    ("Submission.read", (["1", *KIND[:7], "x", *KIND[8:], "1", "j"], 1), None),
    ("Submission.read", (["1", "7", *KIND[1:-1], "1", "j"], 1), None),
    ("Submission.read", (["1", "1001", *["0"] * 1001, "1", "j"], 1), None),
    ("RunWord.ENDED", (), "ended"),
    ("Shape.is_sound", ("cpu=1@zone=a",), True),
    ("Shape.is_sound", ("cpu@zone=a",), False),
    ("Shape.scope_of", ("a@b",), "@a@b"),
    ("Shape.scope_of", ("",), ""),
    ("Shortfall.is_of_shared", ("*license~2~1",), True),
    ("Shortfall.is_of_shared", ("license~2~1",), False),
    ("Told.is_sound", (["j:1", "output", "12", ""], 1), True),
    ("Told.is_sound", (["j:1", "output", "0", ""], 1), False),
    ("Told.is_sound", (["j:1", "progress", "0.5", ""], 1), True),
    ("Told.is_sound", (["j:1", "progress", "half", ""], 1), False),
    ("Told.is_sound", (["j:1", "odd", "1", ""], 1), False),
    ("Told.is_sound", (["~j", "output", "1", ""], 1), False),
    ("Terms.CAPACITY", (), "^"),
    ("Terms.NODE", (), "node"),
    ("Terms.is_sound", ("^=cpu:1|slots:1;zone!=a|b",), True),
    ("Terms.is_node_name", ("a@b.c",), True),
    ("Terms.is_node_name", ("a b",), False),
    ("Terms.is_sound", ("zone",), False),
    ("Terms.is_sound", ("^=cpu:0",), False),
    ("Terms.pin", ("a@b",), "node=a@b"),
    ("Terms.pinned_by", ({"name": "node", "negated": False, "values": ["a"]},), "a"),
    ("Terms.pinned_by", ({"name": "node", "negated": True, "values": ["a"]},), None),
    ("Terms.pinned_by", ({"name": "node", "negated": False, "values": ["a", "b"]},), None),
    ("Terms.pinned_by", ({"name": "zone", "negated": False, "values": ["a"]},), None),
]
"""What libraries know beyond writing and reading: the name, what it is given, what it says."""


def written(name: str, value: Any) -> Any:
    write = FORMATS[name].write
    assert write is not None
    return write(value)


def read(name: str, text: Any) -> Any:
    half = FORMATS[name].read
    assert half is not None
    return half(text)


def plain(terms: tuple[Term, ...]) -> list[Any]:
    return sorted([term.name, list(term.values), term.negated] for term in terms)


def test_every_library_of_texts_has_examples() -> None:
    assert FORMATS.keys() <= EXAMPLES.keys()
    assert {f"texts/{name.partition('.')[0]}" for name in FORMATS} == set(TEXTS)


def test_every_example_is_of_a_format_of_python_or_of_lua() -> None:
    assert EXAMPLES.keys() == FORMATS.keys() | PYTHON.keys()


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_format_is_written_by_somebody_and_read_by_somebody(name: str) -> None:
    halves = [half for formats in (PYTHON, FORMATS) if (half := formats.get(name))]

    assert any(half.write for half in halves)
    assert any(half.read for half in halves) or name in {"number", "run_id.token"}


@pytest.mark.parametrize(("name", "value", "text"), WRITTEN)
def test_a_text_is_written(name: str, value: Any, text: Any) -> None:
    assert written(name, value) == text


@pytest.mark.parametrize(("name", "value", "text"), READ)
def test_a_text_is_read(name: str, value: Any, text: Any) -> None:
    assert read(name, text) == FORMATS[name].part(value)


@pytest.mark.parametrize(("name", "args", "said"), CALLS)
def test_what_else_a_library_knows_of_its_texts(name: str, args: tuple[Any, ...], said: Any) -> None:
    assert LUA(name, *args) == said


def test_nothing_that_a_library_of_texts_shows_is_left_out_here() -> None:
    LUA.called.clear()
    for name, args, _ in CALLS:
        LUA(name, *args)
    for name, value, _ in WRITTEN:
        written(name, value)
    for name, _, text in READ:
        read(name, text)

    shown = {f"{''.join(map(str.capitalize, file[6:].split('_')))}.{name}" for file in TEXTS for name in public(file)}
    assert LUA.called == shown


class TestWhatPythonWrites:
    @given(COSTS)
    def test_lua_reads_a_cost(self, cost: dict[str, int]) -> None:
        assert read("cost", write_cost(cost)) == cost
        assert written("cost", dict(sorted(cost.items()))) == write_cost(cost)

    @given(LABELS)
    def test_lua_reads_labels(self, labels: dict[str, str]) -> None:
        assert read("labels", write_labels(labels)) == labels

    @given(COSTS, CONSTRAINTS, PINS)
    def test_lua_reads_a_shape(self, cost: dict[str, int], where: Any, pin: str | None) -> None:
        terms = parse_where(where, pin)

        shape = read("shape", write_shape(cost, terms))

        assert shape["cost"] == cost
        assert sorted(shape["terms"]) == plain(terms)
        assert LUA("Shape.read", write_shape(cost, terms))["pin"] == (pin or "")

    @given(VARIANTS, CONSTRAINTS, PINS)
    def test_lua_reads_a_demand(self, variants: list[Variant], where: Any, pin: str | None) -> None:
        terms = parse_where(where, pin)

        demand = read("demand", write_demand(variants, terms))

        assert demand["variants"] == [[variant.after_ms, variant.cost] for variant in variants]
        assert sorted(demand["terms"]) == plain(terms)

    @given(st.dictionaries(FAMILIES, st.tuples(INDICES, st.none() | MEMORY), max_size=3))
    def test_lua_reads_the_devices_that_a_node_offers(self, offered: dict[str, tuple[list[int], int | None]]) -> None:
        devices = {name: tuple(indices) for name, (indices, _) in offered.items()}
        memory = {name: (each,) * len(devices[name]) for name, (_, each) in offered.items() if each is not None}

        found = read("offered_devices", write_offered_devices(Capabilities({}, devices, memory)))

        assert found == {name: [[index, each] for index in indices] for name, (indices, each) in offered.items()}


class TestWhatLuaWrites:
    @given(st.dictionaries(FAMILIES, st.tuples(INDICES, MEMORY, st.booleans()), max_size=3))
    def test_python_reads_the_devices_of_a_function(self, taken: dict[str, tuple[list[int], int, bool]]) -> None:
        value = [
            [name, index, units, is_memory] for name, (indices, units, is_memory) in taken.items() for index in indices
        ]

        text = written("devices", value)

        assert read_devices(text) == {name: indices for name, (indices, _, _) in taken.items()}
        assert read("devices", text) == value

    @given(INDICES, SHARES, st.none() | st.tuples(MEMORY, MEMORY))
    def test_python_reads_what_is_free_of_the_devices_of_a_node(
        self, indices: list[int], share: int, memory: tuple[int, int] | None
    ) -> None:
        value = [[index, share, *(memory or (None, None))] for index in indices]

        devices = tuple(Device(index, share, memory) for index in indices)
        assert read_device_field(written("device_field", value)) == devices

    @given(VARIANTS, CONSTRAINTS, PINS)
    def test_a_demand_that_lua_has_changed_is_as_python_writes_it(
        self, variants: list[Variant], where: Any, pin: str | None
    ) -> None:
        terms = parse_where(where, pin)
        value = {
            "variants": [[variant.after_ms, dict(sorted(variant.cost.items()))] for variant in variants],
            "terms": [[term.name, list(term.values), term.negated] for term in terms],
        }

        assert written("demand", value) == write_demand(variants, terms)
