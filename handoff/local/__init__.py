"""A cluster of one's own: a private Redis server, and one agent process per node."""
