"""The faces: a cluster, the handles of one function and of one run, and what a function can ask about itself."""
