"""One test that asks the same of many: tests of their own take 2 ms each, to be made, sent to a process and told of."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any


def of_each(name: str, cases: Iterable[object]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """As `pytest.mark.parametrize`, but all in one test: it ends with the first that fails, and says which that is."""

    def asked_of_all(test: Callable[..., None]) -> Callable[..., None]:
        def asked(**given: Any) -> None:
            for case in cases:
                try:
                    test(**given, **{name: case})
                except BaseException as error:
                    error.add_note(f"{name}: {case}")
                    raise

        known = inspect.signature(test)
        others = [parameter for parameter in known.parameters.values() if parameter.name != name]
        # Its marks too; with `__wrapped__` pytest would ask for a fixture of that name.
        vars(asked).update(vars(test), __signature__=known.replace(parameters=others))
        asked.__name__, asked.__qualname__, asked.__module__ = test.__name__, test.__qualname__, test.__module__
        return asked

    return asked_of_all
