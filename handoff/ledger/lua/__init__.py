"""The scripts, which alone change what is in Redis: operations, the libraries that they include, and the loader."""
