"""What `handoff demo` runs and shows: an analysis of Python source on a cluster of unlike nodes."""
