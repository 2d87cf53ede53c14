"""One module for each source; they do not know each other."""
