"""How the names model reads a text (`features`), and how it is made (all else)."""
