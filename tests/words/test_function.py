"""What code may be handed over: all that a node can import by its path."""

from __future__ import annotations

import builtins
import functools
import math
import os.path
import sys
import types
from collections.abc import Callable
from typing import Any

import pytest
from rq.utils import import_attribute

from handoff.errors import InvalidFunction
from handoff.words.code import import_path


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
