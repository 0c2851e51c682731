"""What the ledger must decide, in plain Python: a class per subject, each on top of those that it uses."""
