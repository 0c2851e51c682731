"""What runs inside those processes: the nursery, a child, and one function after the other."""
