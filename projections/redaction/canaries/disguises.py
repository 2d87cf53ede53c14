"""What texts put over a value: letter case, invisible characters, look-alikes, encodings."""

import base64
import html
import json
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import quote

__all__ = ["DISGUISES", "LOOK_ALIKES", "Disguise"]

_CYRILLIC = (
    "\u0430\u0435\u043e\u0440\u0441\u0445\u0443\u0456\u0458\u0455\u0410"
    "\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425"
)
LOOK_ALIKES = dict(zip("aeopcxyijsABEKMHOPCTX", _CYRILLIC, strict=True))
"""Letters of Latin script to letters of Cyrillic script that look the same."""

_FULL_WIDTH = {chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)}
_BOLD = {chr(65 + n): chr(0x1D400 + n) for n in range(26)}
_BOLD |= {chr(97 + n): chr(0x1D41A + n) for n in range(26)}
_BOLD |= {chr(48 + n): chr(0x1D7CE + n) for n in range(10)}
_SEPARATORS = " .-/"


class Disguise(NamedTuple):
    """A way to write a value, and for which values it makes sense.

    `exact` values (keys, tokens) are worthless in another letter case or with characters put
    in between; `numeric` disguises are those of numbers.
    """

    wear: Callable[[str], str]
    exact: bool = True
    numeric: bool = False


def _between(mark: str, step: int) -> Callable[[str], str]:
    return lambda value: mark.join(value[at : at + step] for at in range(0, len(value), step))


def _mapped(table: Mapping[str, str]) -> Callable[[str], str]:
    return lambda value: "".join(table.get(c, c) for c in value)


def _separated(mark: str) -> Callable[[str], str]:
    """Put another separator where a number has one, or after every fourth digit."""

    def wear(value: str) -> str:
        if any(c in value.strip() for c in _SEPARATORS):
            return "".join(mark if c in _SEPARATORS else c for c in value)
        return _between(mark, 4)(value)

    return wear


def _spaced(value: str) -> str:
    return " ".join(c for c in value if c.isalnum() or c == "+")


def _broken(value: str) -> str:
    """Break a line at the gap after the middle, else as quoted-printable breaks a long word."""
    middle = len(value) // 2
    at = next((n for n in range(middle, len(value)) if value[n] in " -"), None)
    if at is None:
        return f"{value[:middle]}=\n{value[middle:]}"
    return f"{value[:at]}{value[at].strip()}\n{value[at + 1 :]}"


def _percent(value: str) -> str:
    return "".join(f"%{byte:02X}" for byte in value.encode())


def _base64(value: str) -> str:
    return base64.b64encode(f"value: {value}".encode()).decode()


def _quoted_printable(value: str) -> str:
    return "".join(f"={byte:02X}" for byte in value.encode())


def _entities(value: str) -> str:
    return "".join(f"&#{ord(c)};" for c in value)


def _escapes(value: str) -> str:
    return '{"v": "' + "".join(f"\\u{ord(c):04x}" for c in value) + '"}'


def _in_json(value: str) -> str:
    return json.dumps({"id": 7, "value": value, "ok": True})


DISGUISES: Mapping[str, Disguise] = {
    "plain": Disguise(str),
    "upper": Disguise(str.upper, exact=False),
    "lower": Disguise(str.lower, exact=False),
    "zero-width": Disguise(_between("\u200b", 3)),
    "joiner": Disguise(_between("\u2060", 2)),
    "soft hyphen": Disguise(_between("\u00ad", 4)),
    "look-alikes": Disguise(_mapped(LOOK_ALIKES)),
    "full width": Disguise(_mapped(_FULL_WIDTH)),
    "bold": Disguise(_mapped(_BOLD)),
    "spaced": Disguise(_spaced, exact=False, numeric=True),
    "dots": Disguise(_separated("."), exact=False, numeric=True),
    "hard hyphens": Disguise(_separated("\u2011"), exact=False, numeric=True),
    "long dashes": Disguise(_separated("\u2013"), exact=False, numeric=True),
    "hard spaces": Disguise(_separated("\u00a0"), exact=False, numeric=True),
    "percent": Disguise(_percent),
    "url": Disguise(lambda value: f"https://shop.vorlunas.net/?q={quote(value, safe='')}&p=2"),
    "base64": Disguise(_base64),
    "quoted-printable": Disguise(_quoted_printable),
    "entities": Disguise(_entities),
    "named entities": Disguise(lambda value: f"<p>{html.escape(value)}&nbsp;</p>"),
    "escapes": Disguise(_escapes),
    "json": Disguise(_in_json),
    "markdown": Disguise(lambda value: f"**{value}**"),
    "code": Disguise(lambda value: f"`{value}`"),
    "table": Disguise(lambda value: f"| 1 | {value} | yes |"),
    "broken": Disguise(_broken),
}
"""Every disguise by its name."""
