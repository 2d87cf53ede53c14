"""What a text says in an encoding: percent signs, base64, hex, entities, escapes, spaced letters.

A layer is a folded text of its own whose spans lead back to the original. In base64 and hex
whatever is found masks the whole run, for half of one means nothing; in percent signs,
entities and escapes it masks exactly its characters. A layer holds only the surroundings of
what it decodes, so that a long text with one escape is not read twice.
"""

import base64
import binascii
import html
import quopri
import re
from collections.abc import Callable, Iterator

from projections.redaction import signs
from projections.redaction.fold import Builder, Folded, folded

__all__ = ["layers"]

_DEPTH = 3
"""How often what was decoded is decoded again."""

_AROUND = 120
_PRINTABLE = 0.9
_SHORTEST = 16
_LONGEST = 100_000
"""Longer runs of base64 are files, read in pieces of this size."""

_ESCAPED = re.compile(
    r"(?P<percent>(?:%[0-9A-Fa-f]{2}){1,8})"
    r"|(?P<entity>&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});)"
    r"|(?P<unicode>(?:\\u[0-9A-Fa-f]{4}){1,4}|\\u\{[0-9A-Fa-f]{1,6}\})"
    r"|(?P<byte>(?:\\x[0-9A-Fa-f]{2}){1,4})"
    r"|(?P<quoted>(?:=[0-9A-F]{2}){1,8}|=\r?\n)"
)
_ESCAPED_GATE = re.compile(r"%[0-9A-Fa-f]{2}|&#?\w{1,30};|\\[ux][0-9A-Fa-f{]|=[0-9A-F]{2}|=\r?\n")
_RUN = re.compile(
    rf"(?<![\w+/=-])(?:(?P<hex>(?:0[xX])?(?:[0-9A-Fa-f]{{2}}){{8,{_LONGEST}}}(?![\w+/=-]))"
    rf"|(?P<spaced>[0-9A-Fa-f]{{2}}(?:[ :][0-9A-Fa-f]{{2}}){{7,{_LONGEST}}}(?!\w))"
    rf"|(?P<base64>[A-Za-z0-9+/_-]{{{_SHORTEST},{_LONGEST}}}={{0,2}}|[A-Za-z0-9+/_-]{{6,15}}={{1,2}}(?![\w=])))"
)
_SPACED_HEX = re.compile(r"[ :][0-9A-Fa-f]{2}(?:[ :][0-9A-Fa-f]{2}){6}")
_NOT_BASE64 = re.compile(r"[a-z]*|[A-Z]*|\d*|[\d-]*|[A-Za-z]?[a-z]*(?:[-_/][A-Za-z]?[a-z]*){0,20}")


_Change = tuple[int, int, str]
"""A span and what is written in its place."""


def layers(text: str) -> Iterator[Folded]:
    """Yield a text that `composed` has been over, folded, and what can be decoded in it."""
    plain = folded(text)
    yield plain
    layer = _decoded(plain)
    for _ in range(_DEPTH):
        if layer is None:
            break
        yield layer
        layer = _decoded(layer)
    for other in (_counted(plain), _closed(plain), _unbroken(plain), _of_a_query(plain)):
        if other is not None:
            yield other


def _decoded(text: Folded) -> Folded | None:
    """Return what a text's encoded runs say, with their surroundings; None where there are none."""
    changes: list[_Change] = []
    if text.longest >= _SHORTEST or (
        text.signs & signs.SPACED_HEX and _SPACED_HEX.search(text.text)
    ):
        changes.extend(_runs(text.text))
    if text.signs & signs.ESCAPED and _ESCAPED_GATE.search(text.text):
        changes.extend(_escapes(text.text))
    return _layer(text, changes, Builder.put) if changes else None


def _of_a_query(text: Folded) -> Folded | None:
    """Return what percent signs say where an equals sign begins a value: `?q=384%2050`."""
    if not text.signs & signs.ESCAPED or "%" not in text.text or "=" not in text.text:
        return None
    escapes = list(_escapes(text.text))
    kept = [change for change in escapes if text.text[change[0]] != "="]
    return _layer(text, kept, Builder.put) if 0 < len(kept) < len(escapes) else None


def _layer(
    text: Folded, changes: list[_Change], write: Callable[[Builder, str, int, int], None]
) -> Folded:
    """Return changes and their surroundings as one text."""
    changes.sort()
    builder = Builder(text)
    at = max(0, changes[0][0] - _AROUND)
    for start, end, said in changes:
        if start < at:
            continue
        if start - at > 2 * _AROUND:
            builder.keep(at, at + _AROUND)
            builder.apart()
            at = start - _AROUND
        builder.keep(at, start)
        write(builder, said, start, end)
        at = end
    builder.keep(at, min(len(text.text), at + _AROUND))
    return builder.built()


def _escapes(text: str) -> Iterator[_Change]:
    for found in _ESCAPED.finditer(text):
        said = _SAYS[found.lastgroup or ""](found.group())
        if said is not None:
            yield found.start(), found.end(), said


def _percent(run: str) -> str | None:
    return _utf8(bytes.fromhex(run.replace("%", "")))


def _quoted(run: str) -> str | None:
    return _utf8(quopri.decodestring(run.encode()))


def _byte(run: str) -> str | None:
    return _utf8(bytes.fromhex(run.replace("\\x", "")))


def _entity(run: str) -> str | None:
    said = html.unescape(run)
    return said if said != run else None


def _unicode(run: str) -> str | None:
    if "{" in run:
        return chr(min(int(run[3:-1], 16), 0x10FFFF))
    units = bytes.fromhex(run.replace("\\u", ""))
    return units.decode("utf-16-be", "replace")


def _utf8(content: bytes) -> str | None:
    """Return what bytes say; a run that was cut in the middle of a character, in Latin-1."""
    said = content.decode("utf-8", "replace")
    return content.decode("latin-1") if "\ufffd" in said else said


_SAYS: dict[str, Callable[[str], str | None]] = {
    "percent": _percent,
    "entity": _entity,
    "unicode": _unicode,
    "byte": _byte,
    "quoted": _quoted,
}


def _runs(text: str) -> Iterator[_Change]:
    for found in _RUN.finditer(text):
        run = found.group()
        said = _text_of(_base64(run) if found.lastgroup == "base64" else _hex(run))
        if said is None and found.lastgroup == "hex":
            said = _text_of(_base64(run))
        if said is not None:
            yield found.start(), found.end(), said


def _hex(run: str) -> bytes:
    digits = run.replace(" ", "").replace(":", "")
    return bytes.fromhex(digits[2:] if digits[:2] in {"0x", "0X"} else digits)


def _base64(run: str) -> bytes:
    """Return the bytes of a run; none where it is a word, a number or a path."""
    run = run.rstrip("=")
    if len(run) % 4 == 1 or _NOT_BASE64.fullmatch(run):
        return b""
    try:
        return base64.b64decode(run.replace("-", "+").replace("_", "/") + "=" * (-len(run) % 4))
    except binascii.Error:
        return b""


def _text_of(content: bytes) -> str | None:
    """Return bytes as text, where they are one that people could read."""
    if not content:
        return None
    coding = "utf-8"
    if not any(content[1::2]):
        coding = "utf-16-le"
    elif not any(content[0::2]):
        coding = "utf-16-be"
    try:
        said = content.decode(coding)
    except UnicodeDecodeError:
        return None
    readable = sum(c.isprintable() or c in "\r\n\t" for c in said)
    return said if readable >= _PRINTABLE * len(said) else None


_LIKE = "OoQDIliZzSsBbGgq"
_LIKE_DIGITS = str.maketrans(_LIKE, "0000111225588669")
_COUNTED = re.compile(
    rf"(?<![A-Za-z0-9@])(?=\S{{0,6}}\d)[\d{_LIKE}]{{1,20}}"
    rf"(?:[ ./()-]{{1,2}}[\d{_LIKE}]{{1,20}}){{0,8}}(?![A-Za-z0-9@])"
)
_BEFORE_COUNTED = re.compile(
    rf"[\d{_LIKE}]{{0,20}}(?:[ ./()-]{{1,2}}[\d{_LIKE}]{{1,20}}){{0,8}}(?![A-Za-z0-9@])"
)
_COUNTED_GATE = re.compile(rf"[0-9](?:(?=[{_LIKE}])|(?<=[{_LIKE}][0-9]))")
_FEWEST_DIGITS = 5


def _counted(text: Folded) -> Folded | None:
    """Return numbers in which letters stand for digits, written in digits."""
    if not text.signs & signs.COUNTED:
        return None
    changes: list[_Change] = []
    done = 0
    for sign in _COUNTED_GATE.finditer(text.text):
        found = _number_around(text.text, sign.start()) if sign.start() >= done else None
        if found is None:
            continue
        done = found.end()
        run = found.group()
        digits = sum(c.isdigit() for c in run)
        letters = sum(c.isalpha() for c in run)
        if letters and digits >= max(_FEWEST_DIGITS, letters):
            changes.append((found.start(), found.end(), run.translate(_LIKE_DIGITS)))
    return _layer(text, changes, _swap) if changes else None


def _number_around(text: str, at: int) -> re.Match[str] | None:
    """Return the number that a digit stands in, with the groups before it."""
    back = _BEFORE_COUNTED.match(text[max(0, at - 40) : at][::-1])
    start = at - (back.end() if back else 0)
    while start < at and _COUNTED.match(text, start) is None:
        start += 1
    return _COUNTED.match(text, start)


def _swap(builder: Builder, said: str, start: int, _end: int) -> None:
    builder.swap(said, start)


_SPACED = re.compile(r"(?<!\S)(?:[^\s][ \t]{1,3}){5,400}[^\s][.,;:!?]?(?!\S)")
_SPACED_GATE = re.compile(r" \S[ \t]{1,3}\S[ \t]{1,3}\S[ \t]{1,3}\S ")


def _closed(text: Folded) -> Folded | None:
    """Return words whose letters stand apart, closed up; two spaces stay one."""
    if not (text.signs & signs.SPACED and _SPACED_GATE.search(text.text)):
        return None
    changes = [
        (at, at + 1, "")
        for found in _SPACED.finditer(text.text)
        for at in _gaps(text.text, found.start(), found.end())
    ]
    return _layer(text, changes, Builder.put) if changes else None


def _gaps(text: str, start: int, end: int) -> Iterator[int]:
    for at in range(start, end):
        if text[at] in " \t" and text[at + 1] not in " \t":
            yield at


# A number goes on in the next line where it breaks after a sign, or after its second group. A day
# is whole: neither one alone on its line goes on, nor one with which the next line begins.
_BROKEN = re.compile(
    r"(?:\d[ .-]\d{1,6}|\d[-.()])[ \t]?(?<!\d{4}-\d\d-\d\d)(?P<end>\n)"
    r"(?=[ \t]?\d)(?![ \t]?\d{4}-\d\d-\d\d(?!\d))"
)


def _unbroken(text: Folded) -> Folded | None:
    """Return numbers that a line's end breaks, in one line."""
    if not text.signs & signs.BROKEN:
        return None
    changes = [
        (at, at + 1, " " if text.text[at - 1].isdigit() else "")
        for at in (found.start("end") for found in _BROKEN.finditer(text.text))
    ]
    return _layer(text, changes, Builder.put) if changes else None
