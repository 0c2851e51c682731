"""The scripts, which alone change what is in Redis: one operation a file, the libraries they include, and the loader."""
