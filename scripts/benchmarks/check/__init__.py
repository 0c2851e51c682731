"""What must not grow unseen: commands and server CPU of one call, against limits that are kept with the project."""
