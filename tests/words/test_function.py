"""What may be handed over: the rules for functions, for the code they name, and for names."""

from __future__ import annotations

import builtins
import functools
import inspect
import math
import os.path
import pickle
import re
import sys
import time
import types
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from rq.utils import import_attribute

from handoff.errors import InvalidFunction, InvalidNode, InvalidResources
from handoff.words.constraints import Not
from handoff.words.function import Collocated, Function, check, delay_ms, due_ms, import_path
from handoff.words.names import check_namespace, check_node_name
from handoff.words.variants import After


def plain(value: int = 0) -> int:
    return value


async def later() -> int:
    return 1


@functools.cache
def remembered(value: int) -> int:
    return value


def _logged(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        return function(*args)

    return wrapper


@_logged
def decorated() -> int:
    return 1


class Tool:
    def method(self) -> int:
        return 1

    @staticmethod
    def static() -> int:
        return 1

    @classmethod
    def of_class(cls) -> str:
        return cls.__name__

    def __call__(self) -> int:
        return 1


class SharpTool(Tool):
    pass


class Deep:
    class Inner:
        @staticmethod
        def static() -> int:
            return 1


an_object = Tool()
HERE = __name__


def function(**fields: Any) -> Function:
    return Function(fields.pop("id", "f"), fields.pop("code", plain), **fields)


class TestFunction:
    def test_two_functions_with_equal_fields_are_equal(self) -> None:
        one = function(extra_args=[1, [2]], kwargs={"a": [1]}, cost={"cpu": 1})
        other = function(extra_args=(1, [2]), kwargs={"a": [1]}, cost={"cpu": 1})

        assert one == other
        assert hash(one) == hash(other)
        assert one != function(extra_args=(1, [2]), kwargs={"a": [2]}, cost={"cpu": 1})

    def test_a_function_with_several_costs_and_labels_can_be_hashed_and_compared(self) -> None:
        one = function(cost=[{"cpu": 1}, After(3, {"cpu": 2})], where={"zone": ["a", "b"]})
        other = function(cost=({"cpu": 1}, After(3, {"cpu": 2})), where={"zone": ["a", "b"]})

        assert one == other
        assert hash(one) == hash(other)
        assert one != function(cost=[{"cpu": 1}, After(4, {"cpu": 2})], where={"zone": ["a", "b"]})

    def test_the_fields_cannot_be_changed(self) -> None:
        with pytest.raises(AttributeError):
            function().priority = 1  # type: ignore[misc]

    def test_no_two_functions_share_their_default_kwargs(self) -> None:
        assert function().kwargs is not function().kwargs

    def test_a_function_survives_pickling(self) -> None:
        whole = function(
            extra_args=[1],
            node=Collocated("g"),
            cost=[{"cpu": 1.5}, After(3, {"cpu": 1})],
            where={"tier": Not(["spot"])},
        )

        assert pickle.loads(pickle.dumps(whole)) == whole

    def test_the_signature_is_the_published_one(self) -> None:
        parameters = inspect.signature(Function).parameters
        defaults = {name: getattr(function(), name) for name in list(parameters)[2:]}

        assert list(parameters)[:2] == ["id", "code"]
        assert all(parameters[name].kind is inspect.Parameter.KEYWORD_ONLY for name in defaults)
        assert defaults == {
            "args": (),
            "extra_args": (),
            "kwargs": {},
            "cost": None,
            "node": None,
            "type": "regular",
            "argument_inclusion": "variadic",
            "max_retries": None,
            "timeout": None,
            "priority": 0,
            "duration": None,
            "strategy": None,
            "where": None,
            "on_infeasible": "wait",
            "delay": None,
            "at": None,
            "wait_ttl": None,
        }


class TestCheck:
    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"code": "package.module:Class.method"},
            {"id": "any text: it is the user's"},
            {"extra_args": [1, 2], "kwargs": {"a": 1}, "args": []},
            {"cost": {"cpu": 1.5, "gpu": 0.5, "memory": Decimal(100)}},
            {"cost": {}},
            {"node": "node1@example.com"},
            {"argument_inclusion": "as_list"},
            {"max_retries": 0},
            {"max_retries": 7},
            {"timeout": 0.001},
            {"timeout": Fraction(1, 3)},
            {"priority": -1000},
            {"priority": 1000},
            {"duration": 0},
            {"duration": 1.5},
            {"cost": [{"gpu": 1}, After(30, {"cpu": 8})]},
            {"cost": ({"gpu_memory": 6000},)},
            {"strategy": "first_available"},
            {"strategy": "load_balanced"},
            {"where": {}},
            {"where": {"zone": "a", "gpu_model": ["A100", "H100"], "tier": Not("spot")}},
            {"node": "a", "where": {"node": ["a", "b"]}},
            {"on_infeasible": "raise"},
            {"on_infeasible": 0.5},
            {"on_infeasible": 10**9},
            {"delay": 0},
            {"delay": 0.0},
            {"delay": Fraction(1, 3)},
            {"delay": timedelta(0)},
            {"delay": timedelta(days=300)},
            {"at": datetime(2001, 1, 1)},
            {"at": datetime(2101, 1, 1, tzinfo=UTC)},
            {"at": datetime(1, 1, 2, tzinfo=UTC)},
            {"wait_ttl": 0.001},
            {"wait_ttl": 10**9},
        ],
        ids=repr,
    )
    def test_a_function_within_the_rules_passes(self, fields: dict[str, Any]) -> None:
        check(function(**fields))

    @pytest.mark.parametrize(
        "fields",
        [
            {"id": ""},
            {"id": 5},
            {"id": None},
            {"args": ["g"]},
            {"args": "g"},
            {"args": None},
            {"extra_args": "text"},
            {"extra_args": 5},
            {"kwargs": [("a", 1)]},
            {"kwargs": {1: 1}},
            {"kwargs": None},
            {"node": Collocated("g")},
            {"type": "inline"},
            {"type": "lazy"},
            {"type": None},
            {"argument_inclusion": "dict"},
            {"max_retries": -1},
            {"max_retries": True},
            {"max_retries": 1.0},
            {"max_retries": "1"},
            {"timeout": 0},
            {"timeout": 2**31},
            {"timeout": 10**400},
            {"timeout": -1},
            {"timeout": True},
            {"timeout": math.nan},
            {"timeout": math.inf},
            {"timeout": "5"},
            {"priority": 1001},
            {"priority": -1001},
            {"priority": 1.0},
            {"priority": True},
            {"priority": None},
            {"duration": -1},
            {"duration": math.nan},
            {"duration": math.inf},
            {"duration": False},
            {"duration": "1"},
            {"code": lambda: 1},
            {"code": "no_colon"},
            {"strategy": "best"},
            {"strategy": ""},
            {"strategy": ["load_balanced"]},
            {"where": "zone=a"},
            {"where": {"zone": []}},
            {"where": {"zone": 1}},
            {"on_infeasible": "fail"},
            {"on_infeasible": None},
            {"on_infeasible": 0},
            {"on_infeasible": -1},
            {"on_infeasible": True},
            {"on_infeasible": math.inf},
            {"on_infeasible": math.nan},
            {"on_infeasible": 10**9 + 1},
            {"delay": -0.001},
            {"delay": timedelta(seconds=-1)},
            {"delay": timedelta.max},
            {"delay": math.inf},
            {"delay": math.nan},
            {"delay": False},
            {"delay": True},
            {"delay": "1"},
            {"delay": 1, "at": datetime(2101, 1, 1)},
            {"delay": 0, "at": datetime(2101, 1, 1)},
            {"at": 4_000_000_000},
            {"at": date(2101, 1, 1)},
            {"at": "2101-01-01"},
            {"at": datetime.max.replace(tzinfo=timezone(timedelta(hours=-1)))},
            {"wait_ttl": 0},
            {"wait_ttl": -1},
            {"wait_ttl": True},
            {"wait_ttl": math.inf},
            {"wait_ttl": math.nan},
            {"wait_ttl": timedelta(seconds=1)},
            {"wait_ttl": 10**9 + 1},
        ],
        # Without addresses: processes that share a run must agree on the names.
        ids=lambda fields: re.sub(r" at 0x[0-9a-f]+", "", repr(fields)),
    )
    def test_a_function_outside_the_rules_is_refused(self, fields: dict[str, Any]) -> None:
        with pytest.raises(InvalidFunction):
            check(function(**fields))

    @pytest.mark.parametrize("name", ["", "a b", "a,b", "a\n", "ä", "a" * 129, 5, b"a", ["a"]], ids=repr)
    def test_a_pin_that_no_node_can_be_named_is_refused(self, name: object) -> None:
        with pytest.raises(InvalidNode):
            check(function(node=name))

    @pytest.mark.parametrize(
        "cost",
        [{"gpu": 1.5}, {"gpu": 1, "gpu_memory": 100}, [], [{"gpu": 1}, {"gpu": 1.5}], [After(0, {"gpu": 1})]],
        ids=repr,
    )
    def test_a_cost_outside_the_rules_is_refused(self, cost: Any) -> None:
        with pytest.raises(InvalidResources):
            check(function(cost=cost))

    def test_the_error_names_the_function(self) -> None:
        with pytest.raises(InvalidFunction) as caught:
            check(function(id="resize", priority=5000))

        assert caught.value.function_id == "resize"
        assert str(caught.value) == "function 'resize': its priority is 5000: give an int from -1000 to 1000"


@pytest.fixture
def nine_hours_east() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "EAST-9")
        time.tzset()
        yield
    time.tzset()


class TestWhenItIsReady:
    @pytest.mark.parametrize(
        ("delay", "ms"),
        [
            (None, 0),
            (0, 0),
            (0.07, 70),
            (1.005, 1005),
            (Fraction(1, 2), 500),
            (timedelta(0), 0),
            (timedelta(milliseconds=70), 70),
            (timedelta(days=1, seconds=1), 86_401_000),
        ],
        ids=repr,
    )
    def test_a_delay_is_told_in_milliseconds(self, delay: Any, ms: int) -> None:
        assert delay_ms(function(delay=delay)) == ms

    @pytest.mark.parametrize(
        ("at", "ms"),
        [
            (None, 0),
            (datetime(1970, 1, 2, tzinfo=UTC), 86_400_000),
            (datetime(1970, 1, 2, tzinfo=timezone(timedelta(hours=1))), 82_800_000),
            (datetime(2038, 1, 19, 3, 14, 8, 7000, tzinfo=UTC), 2**31 * 1000 + 7),
        ],
        ids=repr,
    )
    def test_a_time_with_a_zone_is_told_as_unix_time(self, at: Any, ms: int) -> None:
        assert due_ms(function(at=at)) == ms

    @pytest.mark.usefixtures("nine_hours_east")
    def test_a_time_without_a_zone_is_local(self) -> None:
        assert due_ms(function(at=datetime(1970, 1, 2, 9))) == 86_400_000

    def test_a_time_between_two_milliseconds_is_not_reached_before_it(self) -> None:
        assert due_ms(function(at=datetime(1970, 1, 1, 0, 0, 1, 1, tzinfo=UTC))) == 1001

    def test_a_time_before_1970_is_not_taken_for_none(self) -> None:
        assert due_ms(function(at=datetime(1969, 1, 1, tzinfo=UTC))) > 0


class TestImportPath:
    @pytest.mark.parametrize(
        ("code", "path"),
        [
            (plain, f"{HERE}.plain"),
            (later, f"{HERE}.later"),
            (remembered, f"{HERE}.remembered"),
            (decorated, f"{HERE}.decorated"),
            (Tool, f"{HERE}.Tool"),
            (Tool.method, f"{HERE}.Tool.method"),
            (Tool.static, f"{HERE}.Tool.static"),
            (Tool.of_class, f"{HERE}.Tool.of_class"),
            (SharpTool.of_class, f"{HERE}.SharpTool.of_class"),
            (math.sqrt, "math.sqrt"),
            (os.path.join, f"{os.path.__name__}.join"),
            (len, "builtins.len"),
            (int, "builtins.int"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_rq_imports_from_the_path_what_was_passed(self, code: Callable[..., Any], path: str) -> None:
        assert import_path(code) == path
        assert import_attribute(path) == code

    def test_a_function_in_a_class_in_a_class_has_a_path(self) -> None:
        assert import_path(Deep.Inner.static) == f"{HERE}.Deep.Inner.static"

    @pytest.mark.parametrize(
        ("text", "path"),
        [
            ("module:f", "module.f"),
            ("package.module:f", "package.module.f"),
            ("package.module:Class.method", "package.module.Class.method"),
            ("_p._m:_f", "_p._m._f"),
        ],
    )
    def test_text_is_not_imported(self, text: str, path: str) -> None:
        assert import_path(text) == path

    @pytest.mark.parametrize(
        "text",
        [
            "f",
            "",
            ":",
            "module:",
            ":f",
            "module:f:g",
            "package..module:f",
            ".module:f",
            "module:f.",
            "module:f()",
            "mod ule:f",
            " module:f",
            "module:f\n",
            "module:<lambda>",
            "module:f.<locals>.g",
            "1module:f",
            "package/module:f",
        ],
    )
    def test_text_that_names_no_module_and_name_is_refused_with_the_form_to_write(self, text: str) -> None:
        with pytest.raises(InvalidFunction, match=r"write \"package.module:name\""):
            import_path(text, function_id="f")

    def test_a_dotted_name_as_rq_takes_it_is_refused_with_where_the_colon_goes(self) -> None:
        with pytest.raises(InvalidFunction, match=r'write "package.module:f": a colon stands where the module ends'):
            import_path("package.module.f", function_id="f")

    @pytest.mark.parametrize(
        ("code", "what"),
        [
            (lambda: 1, "a lambda"),
            (_logged(lambda: 1), "a lambda"),
            (functools.partial(plain, 1), "functools.partial"),
            (an_object.method, "a method of one Tool object"),
            (an_object, "a Tool object has no module and name"),
            ([].append, "has no module and name"),
            (str.upper, "has no module and name"),
            (dict.fromkeys, "has no module and name"),
            ("__main__:f", "__main__"),
            (5, "cannot be called"),
            (None, "cannot be called"),
            (b"math:sqrt", "cannot be called"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_code_that_has_no_name_to_import_is_refused(self, code: Any, what: str) -> None:
        with pytest.raises(InvalidFunction, match=what):
            import_path(code)

    def test_a_closure_is_refused(self) -> None:
        def closure() -> None: ...

        with pytest.raises(InvalidFunction, match="exists only inside another function"):
            import_path(closure)

    def test_the_original_behind_a_decorator_is_refused(self) -> None:
        original = decorated.__wrapped__  # type: ignore[attr-defined]

        with pytest.raises(InvalidFunction, match="gives another object"):
            import_path(original)

    def test_a_method_of_a_class_made_in_a_function_is_refused(self) -> None:
        class Local:
            @classmethod
            def of_class(cls) -> None: ...

        with pytest.raises(InvalidFunction, match="exists only inside another function"):
            import_path(Local.of_class)

    def test_a_function_of_the_main_module_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(plain, "__module__", "__main__")

        with pytest.raises(InvalidFunction, match="its module is __main__"):
            import_path(plain)

    def test_a_function_that_its_module_no_longer_has_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        gone = plain
        monkeypatch.delattr(sys.modules[HERE], "plain")

        with pytest.raises(InvalidFunction, match="has no 'plain'"):
            import_path(gone)

    def test_a_function_whose_module_cannot_be_imported_is_refused_with_the_reason(self) -> None:
        made = types.FunctionType(plain.__code__, {"__name__": "no_such_module", "__builtins__": builtins})

        with pytest.raises(InvalidFunction, match="no_such_module") as caught:
            import_path(made)

        assert isinstance(caught.value.__cause__, ImportError)

    def test_the_error_names_the_code_where_there_is_no_id(self) -> None:
        with pytest.raises(InvalidFunction) as caught:
            import_path(an_object.method)

        assert caught.value.function_id == "Tool.method"


class TestNames:
    @pytest.mark.parametrize("name", ["a", "node1@example.com", "A-Z_0.9", "a" * 128, "-"])
    def test_a_node_may_be_called(self, name: str) -> None:
        assert check_node_name(name) == name

    @pytest.mark.parametrize(
        "name", ["", "a" * 129, "a b", "a,b", "a:b", "a/b", "a\n", "ä", "٣", None, 5, b"a"], ids=repr
    )
    def test_a_node_may_not_be_called(self, name: object) -> None:
        with pytest.raises(InvalidNode) as caught:
            check_node_name(name)

        assert caught.value.name == name

    @pytest.mark.parametrize("name", ["handoff", "A-Z_09", "a" * 64])
    def test_a_namespace_may_be_called(self, name: str) -> None:
        assert check_namespace(name) == name

    @pytest.mark.parametrize("name", ["", "a" * 65, "a.b", "a@b", "a b", "a:b", "a\n", "ä", None, 5], ids=repr)
    def test_a_namespace_may_not_be_called(self, name: object) -> None:
        with pytest.raises(InvalidNode):
            check_namespace(name)
