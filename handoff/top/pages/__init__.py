"""What fills the terminal: the lists, and what is opened from them."""
