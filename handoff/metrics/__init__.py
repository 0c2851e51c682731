"""A namespace in figures, for Prometheus to gather: what `view` and `doctor` read, under names that stay."""
