"""`python -m handoff`: the same as the command `handoff`."""

from __future__ import annotations

from handoff.cli import main

if __name__ == "__main__":
    main(prog_name="handoff")
