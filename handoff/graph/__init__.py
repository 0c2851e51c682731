"""A graph of functions before it runs: its rules, its plan, and its picture; pure."""
