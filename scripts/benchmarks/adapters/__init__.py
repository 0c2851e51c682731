"""What each system does with no-ops, in the same few verbs; each runs in an environment that has nothing but itself."""
