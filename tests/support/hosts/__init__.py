"""Hosts with a network between them, as network namespaces of this machine that nothing else sees."""
