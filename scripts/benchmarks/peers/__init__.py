"""Handoff beside what is in the package index, and beside what is possible: measured in turn, in one table."""
