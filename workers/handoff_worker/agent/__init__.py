"""The parent process: one loop that does all Redis work, and runs nobody's code."""
