"""Samples with something wrong in them, as their format has it wrong: for checks of sources.

What flips bytes alone is refused at the door by every parser. Behind it lie numbers where
texts were, fields that are not there, members of the same name, tags that never end.
"""

import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from random import Random

__all__ = ["mutated"]

_HOSTILE: tuple[object, ...] = (
    None,
    True,
    -1,
    0,
    2**53 + 1,
    10**40,
    1e308,
    float("nan"),
    float("-inf"),
    "",
    "\ud83d",
    "\x00\x1b\u202e",
    "9999-99-99T99:99:99Z",
    "0",
    "../../etc/passwd",
    "a" * 3000,
    [],
    {},
    [[None]],
    {"": None},
)
_LINES = (
    "",
    "\x00\x1b[2J\u202e",
    "---",
    "```",
    ">" * 300,
    '"',
    '"a"b","',
    ";,\t" * 200,
    "99/99/99, 99:99 - a: b",
    "From a",
    "From a@b.example Mon Jan  2 15:04:05 2012",
    "Content-Type: multipart/mixed; boundary=b",
    "Content-Transfer-Encoding: base64",
    "Subject: =?utf-8?b?////?=",
    "Date: Thu, 99 Foo 0000 99:99:99 +9999",
    "# " + "a" * 3000,
    "[" * 3000,
    "![[" * 500,
)
_TAGS = (
    '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>',
    '<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>',
    "&b;&c;&#xD800;&#0;",
    "<![CDATA[",
    "<a>" * 2000,
    "</a>" * 50,
    "<a b='",
)
_TAG = re.compile(r"<[^<>]{0,400}>")
_TEXT = re.compile(r'"[^"\n]{0,80}"')
_DEEP = "\\u0000deep\\u0000"
_MOST_NODES = 500
_MOST_MEMBERS = 64


def mutated(files: Mapping[str, bytes], random: Random) -> dict[str, bytes]:
    """Return files in which one or two things are wrong.

    Args:
        files: A sample, by path.
        random: Decides; the same state makes the same mistakes.
    """
    changed = dict(files)
    for _ in range(random.randint(1, 2)):
        name = random.choice(sorted(changed))
        changed[name] = _change(changed[name], random)
    return changed


def _change(data: bytes, random: Random) -> bytes:
    if random.random() < 0.2:  # noqa: PLR2004 - one in five
        return _bytes(data, random)
    for magic, change in _MAGIC.items():
        if data.startswith(magic):
            return change(data, random)
    try:
        return _text(data.decode("utf-8"), random)
    except UnicodeDecodeError:
        return _bytes(data, random)


def _text(text: str, random: Random) -> bytes:
    start = text.lstrip("\ufeff \t\r\n")[:1]
    if start and start in "[{" and (changed := _json(text, random)):
        return changed
    if start == "<" and random.random() < 0.7:  # noqa: PLR2004 - else its lines
        return _markup(text, random)
    return _lines(text, random)


# --- bytes ---


def _bytes(data: bytes, random: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(random.randint(1, 4)):
        start = random.randint(0, len(changed))
        stop = min(len(changed), start + random.randint(0, 60))
        piece = bytes(changed[start:stop])
        changed[start:stop] = random.choice(
            (b"", piece * random.randint(2, 40), random.randbytes(12), bytes(len(piece)))
        )
    if random.random() < 0.2:  # noqa: PLR2004 - one in five is cut off
        del changed[random.randint(0, len(changed)) :]
    return bytes(changed)


def _database(data: bytes, random: Random) -> bytes:
    """Damage the header, a page's own header, or some cells of a database."""
    changed = bytearray(data)
    size = int.from_bytes(data[16:18], "big") or 4096
    for _ in range(random.randint(1, 6)):
        page = random.randrange(max(1, len(data) // size)) * size
        reach = random.choice((16, 100, size))
        at = min(len(changed) - 1, page + random.randrange(max(1, reach)))
        changed[at] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))
    if random.random() < 0.1:  # noqa: PLR2004 - one in ten is cut off
        del changed[random.randrange(len(changed)) :]
    return bytes(changed)


# --- archives ---


def _zip(data: bytes, random: Random) -> bytes:
    """Damage a member, or leave one out, double it, call it otherwise."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [(one.filename, archive.read(one)) for one in archive.infolist()]
    except Exception:  # noqa: BLE001 - a sample may be broken already
        return _bytes(data, random)
    if not members or len(members) > _MOST_MEMBERS:
        return _bytes(data, random)
    at = random.randrange(len(members))
    name, content = members[at]
    match random.randrange(8):
        case 0:
            del members[at]
        case 1:
            members.append((name, content[: len(content) // 2]))
        case 2:
            members[at] = (
                random.choice(("../" + name, "/" + name, name[::-1], name + "\u202e")),
                content,
            )
        case 3:
            members[at] = (name, b"")
        case _:
            members[at] = (name, _change(content, random))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", random.choice((0, 8))) as archive:
        for name, content in members:
            # By entry, which is neither dated today nor warned of where its name is there already.
            entry = zipfile.ZipInfo(name)
            archive.NameToInfo.pop(entry.filename, None)
            archive.writestr(entry, content)
    return buffer.getvalue()


_MAGIC: dict[bytes, Callable[[bytes, Random], bytes]] = {
    b"PK\x03\x04": _zip,
    b"SQLite format 3\x00": _database,
}


# --- trees of values ---


def _json(text: str, random: Random) -> bytes:
    """Change one value of a JSON text or of one of its lines; nothing where it is neither."""
    try:
        return _value(text.removeprefix("\ufeff"), random)
    except (ValueError, RecursionError):
        lines = text.split("\n")
    at = random.randrange(len(lines))
    try:
        lines[at] = _value(lines[at], random).decode()
    except (ValueError, RecursionError):
        return b""
    return "\n".join(lines).encode()


def _value(text: str, random: Random) -> bytes:
    whole = [json.loads(text)]
    holder, key = random.choice(_slots(whole))
    old = holder[key]  # type: ignore[index]
    match random.randrange(8):
        case 0 if holder is not whole:
            del holder[key]  # type: ignore[attr-defined]
        case 1 if isinstance(holder, list):
            holder.insert(0, old)
        case 2 if isinstance(holder, dict):
            holder[f"{key}s"] = holder.pop(key)
        case 3:
            holder[key] = "\0deep\0"  # type: ignore[index]
        case 4:
            holder[key] = random.choice(([old], {"a": old}, str(old)))  # type: ignore[index]
        case 5 if isinstance(old, str):
            holder[key] = _lines(old, random).decode("utf-8", "replace")  # type: ignore[index]
        case _:
            holder[key] = random.choice(_HOSTILE)  # type: ignore[index]
    depth = random.choice((50, 400, 10_000))
    # Written by hand, because what writes JSON does not go as deep as what reads it is asked to.
    return json.dumps(whole[0]).replace(f'"{_DEEP}"', "[" * depth + "]" * depth).encode()


def _slots(whole: list[object]) -> list[tuple[object, object]]:
    """Return where values stand: what holds them, and under which key."""
    slots: list[tuple[object, object]] = []
    waiting: list[object] = [whole]
    while waiting and len(slots) < _MOST_NODES:
        holder = waiting.pop()
        if isinstance(holder, list | dict):
            keys = range(len(holder)) if isinstance(holder, list) else list(holder)
            slots += [(holder, key) for key in keys]
            waiting += [holder[key] for key in keys]
    return slots


# --- texts ---


def _markup(text: str, random: Random) -> bytes:
    """Take out, double or spoil a tag or a value of one."""
    found = list((_TAG if random.random() < 0.6 else _TEXT).finditer(text))  # noqa: PLR2004
    if not found:
        return _lines(text, random)
    one = random.choice(found)
    hostile = json.dumps(random.choice(_HOSTILE), ensure_ascii=True).strip('"')
    instead = random.choice(
        ("", one[0] * 2, random.choice(_TAGS), one[0] + hostile, f'"{hostile}"')
    )
    return (text[: one.start()] + instead + text[one.end() :]).encode()


def _lines(text: str, random: Random) -> bytes:
    """Leave out, double, swap, join or replace lines, or pieces of one."""
    lines = text.split("\n")
    for _ in range(random.randint(1, 3)):
        if not lines:
            break
        at = random.randrange(len(lines))
        _DEEDS[random.randrange(len(_DEEDS))](lines, at, random)
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def _cut(lines: list[str], at: int, random: Random) -> None:
    line = lines[at]
    start = random.randint(0, len(line))
    lines[at] = line[:start] + line[start + random.randint(1, 8) :]


def _spoil(lines: list[str], at: int, random: Random) -> None:
    marks = re.split(r"([,;:\t\"\[\]|/-])", lines[at])
    place = random.randrange(len(marks))
    marks[place] = random.choice((*_LINES, "", marks[place] * 3))
    lines[at] = "".join(marks)


_DEEDS: tuple[Callable[[list[str], int, Random], object], ...] = (
    lambda lines, at, _: lines.pop(at),
    lambda lines, at, random: lines.insert(at, lines[at] * random.choice((1, 1, 50))),
    lambda lines, at, random: lines.insert(random.randint(0, len(lines)), lines.pop(at)),
    lambda lines, at, random: lines.insert(at, random.choice(_LINES)),
    lambda lines, at, _: lines.__setitem__(at, lines[at] + "\r"),
    _cut,
    _cut,
    _spoil,
    _spoil,
)
