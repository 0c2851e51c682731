"""What must hold of the ledger at any moment at which nobody writes, a file per part of the books."""
