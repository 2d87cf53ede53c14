"""Bytes to text: the charset by evidence, then one form of it.

Byte order mark, then strict UTF-8, then what the source declares, then a guess. The
form is NFC with newlines as line ends and without control characters, which are no words and
which other programs trip over.
"""

import codecs
import unicodedata

__all__ = ["clean", "decode", "is_binary"]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is the beginning of this one
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROLS = bytes(code for code in (*range(0x20), 0x7F) if code not in b"\t\n")
_BEYOND_ASCII = bytes(range(128, 256))
_TOO_FEW_TO_GUESS = 8
_GUESS_FROM = 1 << 16
_ENOUGH = 0.2
_ALLOWED_CONTROLS = 0.05


def is_binary(head: bytes) -> bool:
    """Whether the beginning of a file can be no text."""
    if head.startswith(tuple(mark for mark, _ in _MARKS)):
        return False
    controls = len(head) - len(head.translate(None, _CONTROLS.replace(b"\r", b"")))
    return controls > max(8, len(head) * _ALLOWED_CONTROLS)


def decode(data: bytes, declared: str | None = None) -> str:
    """Return the text of some bytes; never fails, at worst with marks of replacement."""
    for mark, charset in _MARKS:
        if data.startswith(mark):
            return data.decode(charset, "replace").removeprefix("\ufeff")
    for name in ("utf-8", declared):
        if name and (text := _strictly(data, name)) is not None:
            return text
    return _guessed(data)


def _guessed(data: bytes) -> str:
    lines = data.split(b"\n")
    # Text of other charsets is hardly ever valid UTF-8, so a few such lines are evidence of a mixture.
    if _valid(lines) >= _ENOUGH * sum(not line.isascii() for line in lines):
        return _by_line(lines)
    if len(data) - len(data.translate(None, _BEYOND_ASCII)) < _TOO_FEW_TO_GUESS:
        return _by_line(lines)
    # Imported where it is needed: most files are UTF-8, and this is slow to load.
    from charset_normalizer import from_bytes  # noqa: PLC0415

    guess = from_bytes(data[:_GUESS_FROM]).best()
    if guess is not None and guess.encoding:
        return data.decode(guess.encoding, "replace")
    return _by_line(lines)


def clean(text: str) -> str:
    """Return the text in NFC, with newlines as line ends, without control characters."""
    if text.isprintable():
        return text if text.isascii() else unicodedata.normalize("NFC", text)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii():
        # Over bytes, because deleting from them costs a tenth.
        encoded = text.encode("ascii")
        kept = encoded.translate(None, _CONTROLS)
        return text if len(kept) == len(encoded) else kept.decode("ascii")
    try:
        encoded = text.encode("utf-8")
    except UnicodeEncodeError:  # half of a surrogate pair can be written nowhere
        encoded = text.encode("utf-8", "replace")
        text = encoded.decode("utf-8")
    kept = encoded.translate(None, _CONTROLS)
    if len(kept) != len(encoded):
        text = kept.decode("utf-8")
    return unicodedata.normalize("NFC", text)


def _strictly(data: bytes, name: str) -> str | None:
    try:
        if not codecs.lookup(name)._is_text_encoding:  # noqa: SLF001 - `zlib` is a codec too
            return None
        return data.decode(name)
    except (LookupError, UnicodeError, ValueError):
        return None


def _valid(lines: list[bytes]) -> int:
    """Count the lines beyond ASCII that are UTF-8."""
    count = 0
    for line in lines:
        if not line.isascii():
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                continue
            count += 1
    return count


def _by_line(lines: list[bytes]) -> str:
    """Decode a file into which lines of different programs were copied."""
    decoded = []
    for line in lines:
        try:
            decoded.append(line.decode("utf-8"))
        except UnicodeDecodeError:
            decoded.append(line.decode("cp1252", "replace"))
    return "\n".join(decoded)
