"""A small ledger with its clients and agents, all of whose ways are gone: what is promised holds in each state."""
