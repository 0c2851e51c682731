"""What this machine has, what of it is offered, and who holds it."""
