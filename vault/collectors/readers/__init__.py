"""What the sources share: the tree of an export, the guarded child, text, times."""
