"""The mapping of a table: which column means what, as its owner has written it down.

What it says wrongly is told in its own words, since these are no content.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo

import msgspec

from vault.collectors.readers.text import clean, decode
from vault.collectors.readers.time import When, moment, parse_iso
from vault.collectors.readers.tree import Unreadable
from vault.items import Precision

__all__ = ["TYPES", "Mapping", "clock", "read_mapping"]

_DIRECTED = ("message.chat.direct", "message.chat.group", "message.email", "message.sms")
_OWN = ("document.journal", "document.note", "post.comment", "post.social")
TYPES = frozenset((*_OWN, *(f"{name}.{way}" for name in _DIRECTED for way in ("sent", "received"))))
"""What a row may become."""

_NAMES = TYPES | frozenset(_DIRECTED)
_DIVISORS = {"unix": 1, "unix-ms": 1000}
_NUMBER = re.compile(r"-?\d{1,17}(?:\.\d{1,9})?")
_LONGEST_REASON = 200
_EXAMPLE = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)

Clock = Callable[[str], When | None]
"""From what stands in a column to the time that it states."""


class _Time(msgspec.Struct, forbid_unknown_fields=True):
    column: str
    format: str = "iso"
    zone: str = ""


class _Type(msgspec.Struct, forbid_unknown_fields=True):
    column: str
    values: dict[str, str]


class Mapping(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The columns of a table, by what they mean; `name` begins the ids of its rows."""

    type: str | _Type
    text: str
    time: str | _Time | None = None
    author: str = ""
    to: str = ""
    conversation: str = ""
    title: str = ""
    tags: str = ""
    id: str = ""
    owner: str | list[str] = []
    name: str = ""
    delimiter: str = ""
    encoding: str = ""

    @property
    def when(self) -> _Time | None:
        """Which column is the time, and how it is written."""
        return _Time(self.time) if isinstance(self.time, str) else self.time

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that are named."""
        named = [self.text, self.author, self.to, self.conversation, self.title, self.tags, self.id]
        if self.when:
            named.append(self.when.column)
        if not isinstance(self.type, str):
            named.append(self.type.column)
        return tuple(dict.fromkeys(filter(None, named)))

    @property
    def owners(self) -> list[str]:
        """How the owner is called in the column of authors."""
        return [self.owner] if isinstance(self.owner, str) else self.owner


def read_mapping(data: bytes) -> Mapping:
    """Return what a mapping says.

    Raises:
        Unreadable: It is no TOML, or says something that a mapping cannot.
    """
    import tomllib  # noqa: PLC0415 - slow to load, and seldom needed

    try:
        mapping = msgspec.convert(tomllib.loads(clean(decode(data))), Mapping)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise _wrong(str(error)[:1].lower() + str(error)[1:]) from error
    except (ValueError, RecursionError) as error:
        raise _wrong("it is too long or nested too deeply") from error
    for problem in _problems(mapping):
        raise _wrong(problem)
    if mapping.when:
        clock(mapping.when.format, mapping.when.zone)
    return mapping


def _wrong(problem: str) -> Unreadable:
    """Return what to raise, in one short line whatever the mapping holds."""
    line = "".join(letter if letter.isprintable() else "?" for letter in problem[:_LONGEST_REASON])
    return Unreadable(f"the mapping is wrong: {line}")


def _problems(mapping: Mapping) -> Iterator[str]:
    named = [mapping.type] if isinstance(mapping.type, str) else mapping.type.values.values()
    for name in named:
        if name not in _NAMES:
            yield f"there is no type {name!r}; docs/tables.md lists them"
    if len(mapping.delimiter) > 1:
        yield "a delimiter is one character"
    if not all(one.isprintable() and len(one) <= _LONGEST_REASON for one in mapping.columns):
        yield f"a column is named in one line of at most {_LONGEST_REASON} characters"


def clock(form: str, zone: str) -> Clock:
    """Return the function that reads times of one form.

    Args:
        form: `iso`, `unix`, `unix-ms`, or a format as `datetime.strptime` has it.
        zone: Where the clock hung, such as `Europe/Berlin`, for times that do not say it.

    Raises:
        Unreadable: There is no such form or zone.
    """
    place = _zone(zone)
    if form in _DIVISORS:
        return lambda text: _counted(text, _DIVISORS[form])
    if form == "iso":
        return lambda text: _placed(parse_iso(text), place)
    try:
        example = _formed(_EXAMPLE.strftime(form), form, Precision.DAY)
    except re.error:
        example = None
    if example is None or example.at is None or example.at.year != _EXAMPLE.year:
        raise _wrong(f"{form!r} is no format of a time")
    precision = _precision(form)
    return lambda text: _placed(_formed(text, form, precision), place)


def _zone(name: str) -> tzinfo | None:
    if not name:
        return None
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 - slow to load, and seldom needed

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise _wrong(f"there is no time zone {name!r}") from error


def _precision(form: str) -> Precision:
    if any(sign in form for sign in ("%S", "%T", "%X", "%c")):
        return Precision.SECOND
    return Precision.MINUTE if any(sign in form for sign in ("%H", "%I")) else Precision.DAY


def _counted(text: str, divisor: int) -> When | None:
    if not _NUMBER.fullmatch(text.strip()):
        return None
    try:
        at = datetime.fromtimestamp(float(text) // divisor, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return When(at=at) if moment(at.year, at.month, at.day) else None


def _formed(text: str, form: str, precision: Precision) -> When | None:
    try:
        at = datetime.strptime(text.strip(), form)  # noqa: DTZ007 - the zone comes next
    except ValueError:
        return None
    if moment(at.year, at.month, at.day) is None:
        return None
    stated = at.utcoffset()
    at = at.replace(microsecond=0, tzinfo=UTC)
    if stated is None:
        return When(at=at, precision=precision, assumed=True)
    return When(at=at - stated, offset=stated // timedelta(minutes=1), precision=precision)


def _placed(when: When | None, place: tzinfo | None) -> When | None:
    """Return a time at the place where it was written; a day is the same everywhere."""
    if when is None or when.at is None or place is None or when.offset is not None:
        return when
    if when.precision == Precision.DAY:
        return when
    offset = when.at.replace(tzinfo=place).utcoffset() or timedelta()
    minutes = offset // timedelta(minutes=1)
    return When(at=when.at - offset, offset=minutes, precision=when.precision)
