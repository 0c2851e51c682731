"""The ledger for those who wait in an event loop: connections, how they are asked, and the one that waits for all."""
