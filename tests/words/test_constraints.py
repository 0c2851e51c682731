"""Labels and what may be asked of them: the rules, who satisfies a constraint, and the text forms."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.errors import InvalidFunction, InvalidNode
from handoff.ledger.texts.labels import read_labels, write_labels
from handoff.ledger.texts.terms import write_terms
from handoff.words.constraints import MOST_LABELS, Not, Term, parse_labels, parse_where, pinned_to

GOOD_VALUES = ["a", "A100", "NVIDIA A100-SXM4-80GB", "eu-west/1:b", "a.b_c+(d)", "9", "-", "a  b", "x" * 63]
BAD_VALUES: list[Any] = [
    "",
    " a",
    "a ",
    " ",
    "x" * 64,
    "a|b",
    "a;b",
    "a=b",
    "a,b",
    "a@b",
    "a&b",
    "a!",
    "a\n",
    "é",
    "a\tb",
    5,
    True,
    None,
    b"a",
]
BAD_NAMES: list[Any] = ["", "9a", "a b", "a=b", "a!", "a;b", "é", "a\n", "a" * 65, None, 5, ("a",)]

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,5}", fullmatch=True).filter(lambda name: name != "node")
VALUES = st.from_regex(r"[A-Za-z0-9_.:/+()-]( ?[A-Za-z0-9_.:/+()-]){0,3}", fullmatch=True)
LABELS = st.dictionaries(NAMES, VALUES, max_size=4)
SEVERAL = st.lists(VALUES, min_size=1, max_size=3)
WHERE: st.SearchStrategy[Any] = st.dictionaries(NAMES, VALUES | SEVERAL | st.builds(Not, VALUES | SEVERAL), max_size=4)


def allows(where: Any, labels: dict[str, str], node: str = "big-1", pin: str | None = None) -> bool:
    return all(term.allows(node, labels) for term in parse_where(where, pin))


class TestWhoSatisfies:
    @pytest.mark.parametrize(
        ("where", "satisfied"),
        [
            pytest.param(None, True, id="no constraint"),
            pytest.param({}, True, id="an empty one"),
            pytest.param({"zone": "a"}, True, id="the value it has"),
            pytest.param({"zone": "b"}, False, id="another value"),
            pytest.param({"zone": "A"}, False, id="upper and lower case differ"),
            pytest.param({"rack": "1"}, False, id="a label it does not have"),
            pytest.param({"zone": ["b", "a"]}, True, id="one of several"),
            pytest.param({"zone": ["b", "c"]}, False, id="none of several"),
            pytest.param({"zone": Not("b")}, True, id="not another value"),
            pytest.param({"zone": Not("a")}, False, id="not the value it has"),
            pytest.param({"zone": Not(["b", "a"])}, False, id="not one of several that has it"),
            pytest.param({"zone": Not(["b", "c"])}, True, id="not one of several others"),
            pytest.param({"rack": Not("1")}, True, id="not a value of a label it does not have"),
            pytest.param({"zone": "a", "tier": "spot"}, True, id="all of several terms"),
            pytest.param({"zone": "a", "tier": Not("spot")}, False, id="all but one of several terms"),
            pytest.param({"node": "big-1"}, True, id="its own name"),
            pytest.param({"node": ["big-2", "big-1"]}, True, id="one of several names"),
            pytest.param({"node": "zone"}, False, id="another name"),
            pytest.param({"node": Not("big-1")}, False, id="any name but its own"),
            pytest.param({"node": Not("big-2")}, True, id="any name but another"),
        ],
    )
    def test_a_node_with_labels(self, where: Any, satisfied: bool) -> None:
        assert allows(where, {"zone": "a", "tier": "spot"}) is satisfied

    def test_a_pin_is_the_constraint_on_its_name(self) -> None:
        assert parse_where(None, "big-1") == parse_where({"node": "big-1"}) == parse_where({"node": ["big-1"]}, "big-1")

    def test_a_pin_and_a_name_in_where_must_both_hold(self) -> None:
        assert allows({"node": ["big-1", "big-2"]}, {}, pin="big-1")
        assert not allows({"node": ["big-2", "big-3"]}, {}, pin="big-1")
        assert not allows({"node": Not("big-1")}, {}, pin="big-1")

    @pytest.mark.parametrize(
        ("where", "pin", "node"),
        [
            ({"zone": "a"}, None, None),
            ({"node": "b"}, None, "b"),
            (None, "b", "b"),
            ({"node": Not("b")}, None, None),
            ({"node": ["b", "c"]}, None, None),
            ({"node": ["b", "c"], "zone": "a"}, "c", "c"),
            ({"node": "b"}, "c", "c"),
        ],
        ids=repr,
    )
    def test_the_node_that_is_named_alone_is_known(self, where: Any, pin: str | None, node: str | None) -> None:
        assert pinned_to(parse_where(where, pin)) == node


class TestRulesOfWhere:
    @pytest.mark.parametrize("value", GOOD_VALUES)
    def test_a_value_may_be(self, value: str) -> None:
        for wanted in (value, [value], (value,), {value}, frozenset({value}), Not(value), Not([value])):
            (term,) = parse_where({"zone": wanted})
            assert term == Term("zone", (value,), negated=isinstance(wanted, Not))

    @pytest.mark.parametrize("value", BAD_VALUES, ids=repr)
    def test_a_value_may_not_be(self, value: Any) -> None:
        for wanted in (value, [value], ["a", value], Not(value), Not(["a", value])):
            with pytest.raises(InvalidFunction) as caught:
                parse_where({"zone": wanted}, function_id="f")

            assert caught.value.function_id == "f"
            assert "zone" in str(caught.value)

    @pytest.mark.parametrize("name", BAD_NAMES, ids=repr)
    def test_a_label_may_not_be_called(self, name: Any) -> None:
        with pytest.raises(InvalidFunction) as caught:
            parse_where({name: "a"})

        assert repr(name) in str(caught.value)

    @pytest.mark.parametrize("values", [[], (), set(), Not([]), Not(()), {"a": 1}, Not({"a": 1})], ids=repr)
    def test_no_values_are_no_constraint_that_can_be_meant(self, values: Any) -> None:
        with pytest.raises(InvalidFunction, match="zone"):
            parse_where({"zone": values})

    @pytest.mark.parametrize("where", ["zone=a", ["zone"], [("zone", "a")], 5, Not("a")], ids=repr)
    def test_what_is_no_mapping_is_refused(self, where: Any) -> None:
        with pytest.raises(InvalidFunction, match="where"):
            parse_where(where)

    def test_a_node_is_named_by_the_rules_for_nodes(self) -> None:
        name = "node1@example.com" + "x" * 100

        assert parse_where({"node": name}) == (Term("node", (name,), negated=False),)
        with pytest.raises(InvalidFunction, match="node"):
            parse_where({"node": ["a", "a b"]})

    def test_a_pin_that_no_node_can_be_named_is_told_as_a_name(self) -> None:
        with pytest.raises(InvalidNode):
            parse_where({"zone": "a"}, "a b")

    def test_a_constraint_has_a_limited_number_of_labels_and_values(self) -> None:
        most = [f"v{number}" for number in range(MOST_LABELS)]

        parse_where(dict.fromkeys(most, "a"))
        parse_where({"zone": most})
        with pytest.raises(InvalidFunction, match=str(MOST_LABELS)):
            parse_where(dict.fromkeys([*most, "one_more"], "a"))
        with pytest.raises(InvalidFunction, match=str(MOST_LABELS)):
            parse_where({"zone": [*most, "one more"]})


class TestTexts:
    @pytest.mark.parametrize(
        ("where", "pin", "text"),
        [
            (None, None, ""),
            ({}, "a", "node=a"),
            ({"tier": Not("spot")}, "a", "node=a;tier!=spot"),
            ({"zone": ["b", "a", "b"]}, None, "zone=a|b"),
            ({"zone": Not(["b", "a"]), "Rack": "1"}, None, "Rack=1;zone!=a|b"),
            ({"node": ["b", "a"]}, "a", "node=a;node=a|b"),
            ({"gpu_model": "NVIDIA A100 (80GB)"}, None, "gpu_model=NVIDIA A100 (80GB)"),
        ],
        ids=repr,
    )
    def test_constraints_are_written(self, where: Any, pin: str | None, text: str) -> None:
        assert write_terms(parse_where(where, pin)) == text

    def test_terms_are_written_by_text_in_whatever_order_they_come(self) -> None:
        terms = parse_where({"b": "1", "a": Not("2"), "a.": "3"})

        assert write_terms(terms[::-1]) == write_terms(terms) == "a!=2;a.=3;b=1"

    @given(WHERE)
    def test_the_order_in_which_labels_are_named_makes_no_difference(self, where: Any) -> None:
        assert parse_where(dict(reversed(where.items()))) == parse_where(where)

    @given(LABELS)
    def test_labels_are_read_as_they_were_written(self, labels: dict[str, str]) -> None:
        assert read_labels(write_labels(labels)) == parse_labels("a", labels) == labels

    def test_labels_are_written_by_name(self) -> None:
        assert write_labels({"zone": "a", "tier": "spot"}) == "tier=spot;zone=a"
        assert write_labels({}) == ""


class TestRulesOfLabels:
    def test_no_labels_are_empty(self) -> None:
        assert parse_labels("a", None) == parse_labels("a", {}) == {}

    @pytest.mark.parametrize("value", GOOD_VALUES)
    def test_a_value_may_be(self, value: str) -> None:
        assert parse_labels("a", {"zone": value}) == {"zone": value}

    @pytest.mark.parametrize("value", [*BAD_VALUES, ["a"]], ids=repr)
    def test_a_value_may_not_be(self, value: Any) -> None:
        with pytest.raises(InvalidNode) as caught:
            parse_labels("big-1", {"tier": "spot", "zone": value})

        assert caught.value.name == value
        assert "'zone' of node 'big-1'" in str(caught.value)

    @pytest.mark.parametrize("name", BAD_NAMES, ids=repr)
    def test_a_label_may_not_be_called(self, name: Any) -> None:
        with pytest.raises(InvalidNode) as caught:
            parse_labels("big-1", {name: "a"})

        assert caught.value.name == name

    def test_the_label_that_every_node_has_by_itself_cannot_be_given(self) -> None:
        with pytest.raises(InvalidNode, match="by itself"):
            parse_labels("big-1", {"node": "big-1"})

    @pytest.mark.parametrize("labels", ["zone=a", ["zone"], 5], ids=repr)
    def test_what_is_no_mapping_is_refused(self, labels: Any) -> None:
        with pytest.raises(InvalidNode, match="mapping"):
            parse_labels("big-1", labels)

    def test_a_node_has_a_limited_number_of_labels(self) -> None:
        most = {f"l{number}": "a" for number in range(MOST_LABELS)}

        assert len(parse_labels("a", most)) == MOST_LABELS
        with pytest.raises(InvalidNode, match=str(MOST_LABELS)):
            parse_labels("a", {**most, "one_more": "a"})

    def test_changing_what_was_passed_changes_nothing(self) -> None:
        labels = {"zone": "a"}
        parsed = parse_labels("a", labels)

        labels["zone"] = "b"

        assert parsed == {"zone": "a"}
