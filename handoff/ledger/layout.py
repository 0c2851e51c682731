"""The layout of the data in Redis: one integer, in the hash `clock` of each namespace.

It is raised with whatever an earlier version would read wrongly, or would spoil: a key, a field or a text that means
something else. It is not raised for what that one does not look at, nor for a new kind of timer or of what is left
over: kinds that it does not know stay where they are.

Each script compares it before it does anything. Data without a layout is of layout 1: the versions that wrote no layout
wrote the same, so that nothing is to be done but to write it down, which the next script does that notes the time.
"""

from __future__ import annotations

LAYOUT = 1

UNMARKED = 1
"""The layout of data that says none."""
