"""What can be seen of a namespace: lists and counts that every screen reads alike, which change nothing."""
