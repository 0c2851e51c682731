"""The exit codes of every program of Handoff; docs/commands.md has them as a table."""

from __future__ import annotations

DONE = 0
"""It did what it was asked for, or it is so."""

FAILED = 1
"""It did not, or it is not so: what was asked for failed, is unknown, or Redis is away."""

MISUSED = 2
"""The arguments cannot be read, or name what cannot be."""

INTERRUPTED = 130
"""What shells report of a program that Ctrl-C ended: 128 and the number of the signal."""

TERMINATED = 143
"""The same of SIGTERM, for what has to end a cluster of its own first."""
