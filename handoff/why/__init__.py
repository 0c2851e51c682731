"""Why things stand as they do, read from the ledger and put into words; it changes nothing."""
