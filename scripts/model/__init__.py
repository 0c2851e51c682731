"""The ledger's rules as a small model: what may become of a function, a node and a reservation, and in which order."""
