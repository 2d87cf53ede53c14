"""Learning from permitted rows, and forgetting them exactly. Only here live torch and its kin."""
