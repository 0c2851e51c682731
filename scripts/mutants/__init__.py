"""A fixed list of defects, each of which some test must notice."""
