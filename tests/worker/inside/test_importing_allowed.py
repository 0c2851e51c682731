"""Where an operator says what may be called on a node, nothing else is imported or called, however it is written."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from handoff.errors import NotAllowed
from handoff_worker.inside.importing import import_function
from handoff_worker.machine.allowed import Allowed, is_entry

MODULE = """
import functools, os, os.path, subprocess
from os import system
from pathlib import Path


def work(*args):
    return "worked"


@functools.wraps(work)
def wrapped():
    pass


def decorate(function):
    return lambda *args: function(*args)


class Base:
    @classmethod
    def make(cls):
        return "made"

    @staticmethod
    def stat():
        return "stat"

    run = staticmethod(os.system)

    class Inner:
        @staticmethod
        def deep():
            return "deep"


class Process(subprocess.Popen):
    pass


class Callable:
    def __call__(self):
        return "called"

    def method(self):
        return "method"


instance = Callable()
bound = functools.partial(work, 1)
settings = {"a": 1}
Other = Path
"""

LIMITED = Allowed(["fences.tasks", "fences.single:only"])


@pytest.fixture(scope="module", autouse=True)
def fences(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A package with modules that are allowed and some that are not, which leave a mark when they are imported."""
    root = tmp_path_factory.mktemp("fenced")
    mark = "import os; os.environ['FENCES'] = os.environ.get('FENCES', '') + __name__ + ' '\n"
    for folder in ("fences", "fences/tasks"):
        (root / folder).mkdir()
    (root / "fences/__init__.py").write_text("")
    (root / "fences/tasks/__init__.py").write_text(MODULE)
    (root / "fences/tasks/sub.py").write_text(f"{mark}from fences.tasks import work\ndef low(): return 'low'\n")
    (root / "fences/single.py").write_text("import os\ndef only(): return 'only'\ndef other(): pass\n")
    (root / "fences/closed.py").write_text(f"{mark}def work(): return 'closed'\n")
    (root / "fences/tasks_too.py").write_text(f"{mark}def work(): return 'too'\n")
    sys.path.insert(0, str(root))
    yield root
    sys.path.remove(str(root))
    for name in [name for name in sys.modules if name.partition(".")[0] == "fences"]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("name", "gives"),
    [
        ("fences.tasks.work", "worked"),
        ("fences.tasks.sub.low", "low"),
        ("fences.tasks.sub.work", "worked"),
        ("fences.tasks.Base.make", "made"),
        ("fences.tasks.Base.stat", "stat"),
        ("fences.tasks.Base.Inner.deep", "deep"),
        ("fences.tasks.instance", "called"),
        ("fences.single.only", "only"),
    ],
)
def test_what_is_defined_in_an_allowed_module_and_what_is_named_is_found(name: str, gives: str) -> None:
    assert import_function(name, LIMITED)() == gives


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "posix.system",
        "builtins.eval",
        "fences.closed.work",
        "fences.tasks_too.work",
        "fences.single.other",
        "fences.single.only.__globals__",
        "fences.single.os.system",
        "fences.tasks",
        "fences.work",
        "fences.closed.tasks.work",
        "rq.utils.import_attribute",
        "handoff.current",
    ],
)
def test_nothing_else_is_imported_for_a_name_outside(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FENCES", raising=False)

    with pytest.raises(NotAllowed):
        import_function(name, LIMITED)

    assert "FENCES" not in os.environ


@pytest.mark.parametrize(
    "name",
    [
        "os",
        "os.system",
        "os.path.join",
        "system",
        "subprocess.run",
        "Path",
        "Path.write_text",
        "Other.unlink",
        "functools.partial",
        "bound",
        "settings",
        "settings.clear",
        "Base.run",
        "Base.mro",
        "Base.__class__",
        "Base.__subclasses__",
        "Base.__dict__.get",
        "Base.__init__",
        "Base.Inner.__base__",
        "Process.communicate",
        "Process.__init__",
        "work.__globals__",
        "work.__globals__.clear",
        "work.__call__",
        "work.__class__",
        "work.__code__.replace",
        "instance.method",
        "instance.method.__func__",
        "__builtins__.eval",
        "__builtins__",
        "__loader__.load_module",
        "__spec__.loader.load_module",
        "__class__",
        "__dict__.clear",
        "__getattribute__",
        "sub.os.system",
    ],
)
def test_no_way_leads_through_an_allowed_module_to_what_others_define(name: str) -> None:
    with pytest.raises(NotAllowed, match="is not defined in what may be called on this node"):
        import_function(f"fences.tasks.{name}", LIMITED)


@pytest.mark.parametrize(
    "name",
    [
        "", ".", "work", ".fences.tasks.work", "fences..tasks.work", "fences.tasks.", "fences.tasks.work.",
        "..os.system", "fences.tasks:work", "fences.tasks.\0", "fences.tasks/../closed.work",
        "fences.tasks.sub/../../closed.work",
        "fences.tasks .work", "\uff46ences.tasks.work", "fences.tasks.\ud800",
         "fences.tasks.no", "fences.tasks.no.os.system",
        "fences.tasks\n.work", "fences.tasks" + ".work" * 1_000, "a." * 1_000_000 + "work",
    ],
)  # fmt: skip
def test_odd_names_are_none(name: str) -> None:
    with pytest.raises((ImportError, NotAllowed)) as caught:
        import_function(name, LIMITED)
    assert len(str(caught.value)) < 1_000
    with pytest.raises(ImportError):
        import_function(name)


def test_the_operator_may_name_what_a_module_has_from_others_one_by_one() -> None:
    allowed = Allowed(["fences.tasks:bound", "fences.tasks:os.path.join", "fences.tasks:Process.communicate"])

    assert import_function("fences.tasks.bound", allowed)() == "worked"
    assert import_function("fences.tasks.os.path.join", allowed) is os.path.join
    assert callable(import_function("fences.tasks.Process.communicate", allowed))
    for other in ("work", "os.path.join.__globals__", "os.path.split", "Process"):
        with pytest.raises(NotAllowed):
            import_function(f"fences.tasks.{other}", allowed)


def test_the_error_says_what_is_allowed_and_how_to_allow_more() -> None:
    with pytest.raises(NotAllowed) as caught:
        import_function("os.system", LIMITED)

    assert str(caught.value) == (
        "'os.system' is not defined in what may be called on this node, which is fences.tasks, fences.single:only: "
        "start its agent with --allow os:system as well, or name what it allows"
    )


@pytest.mark.parametrize("text", ["myapp", "myapp.tasks", "myapp.tasks:train", "myapp:Class.method"])
def test_modules_and_callables_may_be_allowed(text: str) -> None:
    assert is_entry(text)


@pytest.mark.parametrize(
    "text", ["", ":", "myapp:", ":f", "myapp.*", "*", "my app", "a..b", ".a", "a:b:c", "a.b:", "/a", 5]
)
def test_nothing_else_may(text: object) -> None:
    assert not is_entry(text)
