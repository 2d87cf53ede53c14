"""A text without its disguises, and the way back to where each character stood."""

import unicodedata
from dataclasses import dataclass

from vault.aliases import fold_character

__all__ = ["Folded", "composed", "folded"]


@dataclass(frozen=True, slots=True)
class Folded:
    """`text` keeps letter case, `lower` does not; both have the same length.

    `origin[i]` is where folded character i stood, None where nothing moved.
    """

    text: str
    lower: str
    origin: tuple[int, ...] | None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where a folded span stood in the original."""
        if self.origin is None:
            return start, end
        return self.origin[start], self.origin[end - 1] + 1


def folded(text: str) -> Folded:
    """Fold a text that `composed` has been over."""
    if text.isascii():
        return Folded(text, text.lower(), None)
    characters: list[str] = []
    origin: list[int] = []
    for position, character in enumerate(text):
        plain = fold_character(character)
        characters.append(plain)
        origin.extend([position] * len(plain))
    visible = "".join(characters)
    return Folded(visible, _lower(visible), tuple(origin))


def _lower(text: str) -> str:
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(c if len(c.lower()) != 1 else c.lower() for c in text)


def composed(text: str) -> str:
    """Return a text in the form that `folded` expects."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)
