"""All that is in Redis: its keys, fields, texts and scripts, and one module of typed calls per subject."""
