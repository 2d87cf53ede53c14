"""Mail that lies in a file of its own: maildir, and what Apple Mail keeps.

Where it was filed is said by its folder, how it stands by its name (maildir: flags behind
`:2,`, or `;2,` and `!2,` where a colon may not be written) or by a plist at its end (emlx).
"""

import base64
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from vault.collectors.readers.text import clean
from vault.collectors.readers.tree import File, Tree, Unreadable

__all__ = [
    "Apple",
    "apple",
    "apple_attached",
    "is_apple",
    "is_maildir",
    "is_unfinished",
    "maildir_tags",
]

_FLAGS = re.compile(r"[:;!]2,([A-Za-z]*)$")
_UNIQUE = re.compile(r"\d{6,}[._]\S*\.\S+")
_FOLDERS = frozenset({"cur", "new", "tmp"})
_KEPT_FLAGS = (("D", "Draft"), ("F", "Flagged"), ("T", "Trash"))
_SHIFTED = re.compile(r"&([A-Za-z0-9+,]*)-")
_COUNT = re.compile(rb"\s*(\d{1,10})\s*\n")
# Bits of the flags that Apple Mail keeps.
_KEPT_BITS = ((1 << 6, "Draft"), (1 << 4, "Flagged"), (1 << 1, "Trash"))
_MOST_SECONDS = 4_102_444_800  # the year 2100


def _parts(path: str) -> list[str]:
    # A `!` parts an archive from its members, but in a maildir also a name from its flags.
    name = re.sub(r"!(?!2,[A-Za-z]*$)", "/", path)
    return name.split("/")


def is_maildir(path: str) -> bool:
    """Whether a path is that of a message in a maildir."""
    parts = _parts(path)
    if len(parts) < 2 or parts[-2] not in _FOLDERS:  # noqa: PLR2004
        return False
    return bool(_FLAGS.search(parts[-1]) or _UNIQUE.match(parts[-1]))


def is_unfinished(path: str) -> bool:
    """Whether a message of a maildir was never delivered as a whole."""
    return _parts(path)[-2] == "tmp"


def maildir_tags(path: str) -> tuple[str, ...]:
    """Return the folder of a message in a maildir, and those flags that file it too."""
    parts = _parts(path)
    folder = parts[-3] if len(parts) > 2 else ""  # noqa: PLR2004
    if folder.startswith("."):
        folder = folder[1:].replace(".", "/")
    flags = _FLAGS.search(parts[-1])
    marks = flags.group(1) if flags else ""
    kept = [name for letter, name in _KEPT_FLAGS if letter in marks]
    return tuple(filter(None, (clean(_unshifted(folder)), *kept)))


def _unshifted(folder: str) -> str:
    """Return a name written in the modified UTF-7 of IMAP (RFC 3501, 5.1.3)."""

    def letters(found: "re.Match[str]") -> str:
        if not found.group(1):
            return "&"
        encoded = found.group(1).replace(",", "/")
        try:
            data = base64.b64decode(encoded + "=" * (-len(encoded) % 4))
            return data.decode("utf-16-be")
        except ValueError:
            return found.group()

    return _SHIFTED.sub(letters, folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class Apple:
    """A message of Apple Mail, and what is said about it."""

    raw: bytes
    tags: tuple[str, ...]
    received: datetime | None


def is_apple(head: bytes) -> bool:
    """Whether a file begins with the number of bytes of the message that follows."""
    return _COUNT.match(head) is not None


def apple(data: bytes, path: str) -> Apple:
    """Take an `.emlx` apart: a line with a number of bytes, the message, a plist.

    Raises:
        Unreadable: It does not begin with a number.
    """
    found = _COUNT.match(data)
    if found is None:
        raise Unreadable("the number of bytes of the message is missing")
    end = found.end() + int(found.group(1))
    facts = _plist(data[end:])
    flags = facts.get("flags")
    bits = flags if isinstance(flags, int) else 0
    received = facts.get("date-received")
    at = None
    if isinstance(received, int | float) and 0 < received < _MOST_SECONDS:
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(received))
    kept = [name for bit, name in _KEPT_BITS if bits & bit]
    tags = tuple(filter(None, (_mailbox(path), *kept)))
    return Apple(raw=data[found.end() : end], tags=tags, received=at)


def _plist(data: bytes) -> dict[str, object]:
    import plistlib  # noqa: PLC0415 - slow to load, and seldom needed
    from xml.parsers.expat import ExpatError  # noqa: PLC0415

    try:
        facts = plistlib.loads(data.strip(), fmt=plistlib.FMT_XML)
    except (ValueError, ExpatError, TypeError, AttributeError, LookupError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _mailbox(path: str) -> str:
    """Return the innermost mailbox (`Archive.mbox/…/1.emlx`) that holds a message."""
    for part in reversed(path.replace("!", "/").split("/")[:-1]):
        stem, dot, suffix = part.rpartition(".")
        if dot and stem and suffix in {"mbox", "imapmbox"}:
            return clean(stem)
    return ""


def apple_attached(tree: Tree, file: File, name: str) -> File | None:
    """Return the file that a `.partial.emlx` has put beside itself: `Attachments/42/2/name`."""
    folder = file.path.replace("!", "/").rpartition("/")[0]
    number = file.name.partition(".")[0]
    home = folder.rpartition("/")[0]
    place = f"{home}/Attachments/{number}/" if home else f"Attachments/{number}/"
    found = tree.find(name, near=f"{place}2/x") if name else None
    return found if found and found.path.replace("!", "/").startswith(place) else None
