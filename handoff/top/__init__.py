"""What happens in a namespace, kept current in a terminal: what `view` and `why` read, in tables that can be opened."""
