"""Text that was UTF-8, was read as Latin-1 and written again, as Meta's exports have it."""

__all__ = ["repaired"]


def repaired(text: str) -> str:
    """Return what was meant, or the text itself where it was not damaged in this way.

    Decided for each string by itself: an export may hold both kinds.
    """
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text
