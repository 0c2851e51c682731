"""Films are converted wherever there is room, and remembered in the database: the backend in Django."""
