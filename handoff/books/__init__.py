"""The pure half of the ledger: the books of one node, allocation, and a tracker in memory."""
