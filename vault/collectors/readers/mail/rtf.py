"""The RTF bodies of Outlook: unpacked (MS-OXRTFCP), and what is encapsulated in them.

Outlook wraps HTML and plain text in RTF and says so in the header (MS-OXRTFEX). What was
wrapped is unwrapped; of real RTF the words are kept. Nothing is drawn, linked or fetched.
"""

import codecs
import re
import struct
from dataclasses import dataclass, replace

from vault.collectors.readers.tree import Unreadable

__all__ = ["decompress", "unwrapped"]

_HEADER = struct.Struct("<4I")
_COMPRESSED, _STORED = 0x75465A4C, 0x414C454D
_WINDOW = 4096
_LARGEST = 64 << 20
# What every packer and unpacker holds before the first byte (MS-OXRTFCP, 2.1.2.1).
_PRELOADED = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript "
    rb"\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)


def decompress(data: bytes) -> bytes:
    """Return the RTF in a compressed body; what is damaged at its end is left away.

    Raises:
        Unreadable: It is no compressed RTF, or too large.
    """
    if len(data) < _HEADER.size:
        raise Unreadable("the formatted text is damaged")
    _, size, kind, _ = _HEADER.unpack_from(data)
    if kind == _STORED:
        return data[_HEADER.size : _HEADER.size + size]
    if kind != _COMPRESSED or size > _LARGEST:
        raise Unreadable("the formatted text is damaged or too large")
    window = bytearray(_PRELOADED.ljust(_WINDOW, b"\0"))
    out = bytearray()
    write = len(_PRELOADED)
    at = _HEADER.size
    while at < len(data) and len(out) < size:
        flags = data[at]
        at += 1
        for bit in range(8):
            step = 2 if flags >> bit & 1 else 1
            token = data[at : at + step]
            if len(token) < step or len(out) >= size:
                return bytes(out)
            at += step
            if step == 1:
                copied = token
            else:
                place, length = token[0] << 4 | token[1] >> 4, (token[1] & 15) + 2
                if place == write:
                    return bytes(out)
                copied = _copied(window, place, length, write)
            for letter in copied:
                window[write] = letter
                write = (write + 1) % _WINDOW
            out += copied
    return bytes(out)


def _copied(window: bytearray, place: int, length: int, write: int) -> bytes:
    """Return what a reference stands for, which may repeat what it is just writing."""
    ahead = (write - place) % _WINDOW
    found = bytes(window[(place + step) % _WINDOW] for step in range(min(length, ahead)))
    return (found * (length // len(found) + 1))[:length]


_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})?[ ]?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|([^\\{}\r\n]+)"
)
_HIDDEN = frozenset(
    (
        *(b"fonttbl", b"colortbl", b"stylesheet", b"info", b"pict", b"object", b"header"),
        *(b"footer", b"headerl", b"headerr", b"footerl", b"footerr", b"themedata", b"xmlnstbl"),
    )
)
_BREAKS = {b"par": "\n", b"line": "\n", b"tab": "\t", b"page": "\n", b"row": "\n", b"cell": "\t"}
_SIGNS = {
    b"lquote": "\u2018",
    b"rquote": "\u2019",
    b"ldblquote": "\u201c",
    b"rdblquote": "\u201d",
    b"emdash": "\u2014",
    b"endash": "\u2013",
    b"bullet": "\u2022",
}
# Character sets of Windows fonts, as far as they are not the document's.
_FONTS = {
    128: "cp932",
    129: "cp949",
    134: "cp936",
    136: "cp950",
    161: "cp1253",
    162: "cp1254",
    163: "cp1258",
    177: "cp1255",
    178: "cp1256",
    186: "cp1257",
    204: "cp1251",
    222: "cp874",
    238: "cp1250",
}
_DEEPEST = 500


@dataclass(frozen=True, slots=True)
class _Group:
    """What holds between two braces."""

    hidden: bool = False
    tag: bool = False  # HTML as it stood, not its look in RTF
    plain: bool = False  # within \htmlrtf: how HTML looks in RTF
    charset: str = ""
    skipped: int = 1  # letters that stand behind \u for those who do not know it


def unwrapped(rtf: bytes) -> tuple[str, bool]:
    """Return the text of an RTF body, and whether it is HTML that was wrapped."""
    head = rtf[:1024]
    is_html = b"\\fromhtml" in head
    reader = _Reader(is_html=is_html)
    for token in _TOKEN.finditer(rtf):
        reader.take(token)
    return reader.text(), is_html


class _Reader:
    """Goes through the tokens of a document and gathers what a reader sees."""

    def __init__(self, *, is_html: bool) -> None:
        self._is_html = is_html
        self._codepage = "cp1252"
        self._group = _Group()
        self._outer: list[_Group] = []
        self._fonts: dict[int, str] = {}
        self._font = 0
        self._in_fonts = 0
        self._star = False
        self._skip = 0
        self._bytes = bytearray()
        self._said: list[str] = []

    def text(self) -> str:
        self._flush()
        return "".join(self._said)

    def take(self, token: "re.Match[bytes]") -> None:
        word, number, code, sign, brace, letters = token.groups()
        if brace:
            self._brace(brace)
        elif word:
            self._word(word, None if number is None else int(number))
        elif sign:
            self._sign(sign)
        elif code:
            self._letters(bytes((int(code, 16),)))
        else:
            self._letters(letters)

    def _brace(self, brace: bytes) -> None:
        self._flush()
        if brace == b"{":
            if len(self._outer) >= _DEEPEST:
                raise Unreadable("the formatted text is nested too deeply")
            self._outer.append(self._group)
        elif self._outer:
            self._group = self._outer.pop()
            if len(self._outer) < self._in_fonts:
                self._in_fonts = 0
        self._star = False
        self._skip = 0

    def _word(self, word: bytes, number: int | None) -> None:
        self._skip = 0
        star, self._star = self._star, False
        if word == b"htmltag":
            self._flush()
            self._group = replace(self._group, tag=True, hidden=not self._is_html)
        elif word == b"htmlrtf":
            self._flush()
            self._group = replace(self._group, plain=self._is_html and number != 0)
        elif star or word in _HIDDEN:
            self._flush()
            self._group = replace(self._group, hidden=True)
            self._in_fonts = len(self._outer) if word == b"fonttbl" else self._in_fonts
        elif word == b"u" and number is not None:
            self._say(chr(number % 0x10000))
            self._skip = self._group.skipped
        elif text := _BREAKS.get(word) or _SIGNS.get(word):
            self._say(text)
        else:
            self._setting(word, number or 0)

    def _setting(self, word: bytes, number: int) -> None:
        if word == b"uc":
            self._group = replace(self._group, skipped=number)
        elif word == b"ansicpg":
            self._codepage = f"cp{number}" if _is_known(f"cp{number}") else self._codepage
        elif word == b"f":
            self._flush()
            self._font = number
            self._group = replace(self._group, charset=self._fonts.get(number, ""))
        elif word == b"fcharset" and self._in_fonts:
            self._fonts[self._font] = _FONTS.get(number, "")
        elif word == b"plain":
            self._flush()
            self._group = replace(self._group, charset="")

    def _sign(self, sign: bytes) -> None:
        if sign == b"*":
            self._star = True
        elif sign in b"\r\n":
            self._say("\n")
        else:
            self._letters({b"~": b"\xa0", b"_": b"-", b"-": b""}.get(sign, sign))

    def _letters(self, letters: bytes) -> None:
        if self._skip:
            letters, self._skip = letters[self._skip :], max(0, self._skip - len(letters))
        if not self._silent:
            self._bytes += letters

    def _say(self, text: str) -> None:
        self._flush()
        if not self._silent:
            self._said.append(text)

    @property
    def _silent(self) -> bool:
        group = self._group
        return group.hidden or (group.plain and not group.tag)

    def _flush(self) -> None:
        """Decode the letters that wait, in the character set in which they stood."""
        if self._bytes:
            charset = self._group.charset or self._codepage
            self._said.append(self._bytes.decode(charset, "replace"))
            self._bytes.clear()


def _is_known(charset: str) -> bool:
    try:
        codecs.lookup(charset)
    except LookupError:
        return False
    return True
