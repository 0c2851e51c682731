"""Seventeen parts that play on one server at once, and the story that their events tell, played again."""
