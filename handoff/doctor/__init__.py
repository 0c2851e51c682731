"""What of the books is not as it has to be, found by the keys alone, on a live server too; and what mends it."""
