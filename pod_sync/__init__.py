"""The mirror of the log in the owner's own Solid pod: still empty."""
