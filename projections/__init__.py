"""Views of the log: what may be seen, searched and learned from, and nothing else."""
