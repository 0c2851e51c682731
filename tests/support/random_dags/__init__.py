"""Random graphs, how they are driven to their end, and what must have happened on the way."""
