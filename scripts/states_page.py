"""Print docs/states.md, made from the table of moves in handoff.ledger.states."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from handoff.ledger.states import BY_RQ, ENDED, MOVES, NEW, PARKED, Move

PAGE = f"""\
# The states of a function

`scripts/states` writes this page from the table in `handoff/ledger/states.py`. Tests compare the page with the table,
and the table with every write of a state that a real server shows while functions are submitted, run, fail, wait in
vain, are canceled, and lose their nodes.

```mermaid
{{diagram}}
```

* A function that has ended is kept for its `result_ttl` or `failure_ttl`; then it is gone.
* One that is queued on a node that closes may be queued on another in the same script, and one that waits may wait
  anew: the state stays, so that is no move.
* One that has failed or was canceled and is retried (`handle.retry()`) begins as a new one, under its id.
* `{PARKED}` is a word of the scripts alone: the API says `waiting`. It is for collocated functions of a run.
* RQ knows what is deferred, delayed, waiting or {PARKED} as `deferred`, and a function that RQ's tools had stopped as
  `stopped`, which the API calls `failed`.

| from | to | what causes it |
| --- | --- | --- |
{{moves}}

RQ's tools can bring back a function that has ended, and cancel it:

| from | to | what causes it |
| --- | --- | --- |
{{by_rq}}
"""


def diagram() -> Iterator[str]:
    """The moves as Mermaid's state diagram. What leads to `canceled` says so by itself."""
    yield "stateDiagram-v2"
    for move in MOVES:
        label = f": {move.cause}" if move.after != "canceled" else ""
        yield f"    {move.before or '[*]'} --> {move.after}{label}"
    for state in ENDED:
        yield f"    {state} --> [*]"


def rows(moves: Iterable[Move]) -> Iterator[str]:
    """The moves as rows of a table."""
    for move in moves:
        before = "(new)" if move.before == NEW else move.before
        yield f"| {before} | {move.after} | {move.cause} |"


if __name__ == "__main__":
    print(PAGE.format(diagram="\n".join(diagram()), moves="\n".join(rows(MOVES)), by_rq="\n".join(rows(BY_RQ))), end="")
