"""What few functions ask for beside their cost, `unfit=60000;wait=5000;strategy=load_balanced`."""

from __future__ import annotations

from collections.abc import Sequence

from handoff.words.function import Isolation, OnMemoryExceeded, OnNodeLoss, Strategy


def write_options(
    *,
    unfit_ms: int,
    wait_ms: int,
    strategy: Strategy,
    isolation: Isolation = "warm",
    on_node_loss: OnNodeLoss = "retry",
    on_memory_exceeded: OnMemoryExceeded = "fail",
    unique_ms: int | None = None,
    allow_failure: bool | None = None,
    delay_ms: int = 0,
    due_ms: int = 0,
    prefer: str = "",
    only: Sequence[str] = (),
    never: Sequence[str] = (),
    after_ms: Sequence[int] = (),
) -> str:
    """Write what is not the default. `delay_ms` and `prefer` are only for functions in a run.

    `unique_ms` is for how long a function has its key when it has finished; None: it has none. `allow_failure` is
    whether it goes on where those have failed on which it depends; None: there are none. `only` and `never` name
    the exceptions after which alone, and after which never, another attempt comes; `after_ms` is how long after each.
    """
    options = {
        "unfit": unfit_ms,
        "wait": wait_ms,
        "strategy": "" if strategy == "first_available" else strategy,
        "isolation": "" if isolation == "warm" else isolation,
        "loss": "" if on_node_loss == "retry" else on_node_loss,
        "exceeded": "" if on_memory_exceeded == "fail" else on_memory_exceeded,
        "unique": "" if unique_ms is None else str(unique_ms),
        "depends": "" if allow_failure is None else str(int(allow_failure)),
        "delay": delay_ms,
        "due": due_ms,
        "prefer": prefer,
        "only": ",".join(only),
        "never": ",".join(never),
        "after": ",".join(map(str, after_ms)),
    }
    return ";".join(f"{name}={value}" for name, value in options.items() if value)


def read_option(text: str, name: str) -> str:
    """Read one of them; '' = it is not there."""
    if not text:
        return ""
    return next((value for key, _, value in (each.partition("=") for each in text.split(";")) if key == name), "")


def read_option_list(text: str, name: str) -> list[str]:
    """Read one that names several, such as exceptions; [] = it is not there."""
    value = read_option(text, name)
    return value.split(",") if value else []
