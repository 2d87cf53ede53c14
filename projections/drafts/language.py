"""In which language an item is asked for: as its source says, else as its words do, else English."""

from projections.drafts.guess import LANGUAGES, guessed

__all__ = ["LANGUAGES", "language_of"]


def language_of(stated: str, text: str) -> str:
    """Return the language that a source states, else the guessed one, else English."""
    if stated:
        named = stated.replace("_", "-").partition("-")[0].lower()
        return named if named in LANGUAGES else "en"
    return guessed(text) or "en"
