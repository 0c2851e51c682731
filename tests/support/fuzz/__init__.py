"""Arbitrary values at every public call, and arbitrary bytes in whatever an agent reads: `scripts/fuzz --help`."""
