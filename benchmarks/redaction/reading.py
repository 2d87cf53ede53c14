r"""Sets to measure on: JSON Lines of others, and our own in a notation that can be read.

A line of JSON is `{"text": …, "spans": [[start, end, type, …], …]}`; in a set of chats a span
goes on with whether the roster knows the person, the form, and the person's number there.

A line of our notation is a text in which `[Ana Costa]` is a person, `[!Ysolde Brannik]` one
whose name no list of names holds, and `[ADDRESS:…]`, `[PHONE:…]`, … an entity of that type;
`\n` is a line break. Lines that begin with `#` and empty lines say nothing.
"""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["Entity", "Text", "found", "labelled", "marked", "own", "parsed", "stored"]

OWN = Path(__file__).parent / "sets"
PERSON = "PERSON"
_MARK = re.compile(r"\[(!|[A-Z]{2,}:)?([^\[\]]+)\]")


class Entity(NamedTuple):
    """Something private in a text; `known` and `person` where a roster goes with the set.

    `listed` says whether a list of names holds the name, where the set says so.
    """

    start: int
    end: int
    type: str
    known: bool | None = None
    person: int | None = None
    listed: bool | None = None


class Text(NamedTuple):
    """A text and what is private in it."""

    text: str
    entities: tuple[Entity, ...]

    def words(self, entity: Entity) -> str:
        """Return an entity's own words."""
        return self.text[entity.start : entity.end]


def marked(line: str) -> Text:
    """Read a line of our notation."""
    plain, entities, done = "", [], 0
    line = line.replace("\\n", "\n")
    for at in _MARK.finditer(line):
        plain += line[done : at.start()]
        sign, words = at.groups()
        type_ = PERSON if sign in (None, "!") else sign.removesuffix(":")
        listed = sign is None if type_ == PERSON else None
        entities.append(Entity(len(plain), len(plain) + len(words), type_, listed=listed))
        plain += words
        done = at.end()
    return Text(plain + line[done:], tuple(entities))


def _lines(path: Path) -> Iterator[str]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as lines:
        yield from (line.rstrip("\n") for line in lines)


def own(name: str) -> list[Text]:
    """Read one of our own sets."""
    return [marked(line) for line in _lines(OWN / name) if line and not line.startswith("#")]


def labelled(name: str) -> list[tuple[str, bool]]:
    """Read a set of lines that begin with `+` (the label holds) or `-` (it does not)."""
    return [(line[2:], line[0] == "+") for line in _lines(OWN / name) if line[:2] in ("+ ", "- ")]


def stored(path: Path) -> list[Text]:
    """Read a set of JSON Lines, packed or not."""
    return [parsed(line) for line in _lines(path) if line]


def parsed(line: str) -> Text:
    """Read a line of JSON."""
    record = json.loads(line)
    return Text(record["text"], tuple(_entity(*span) for span in record["spans"]))


def _entity(start: int, end: int, type_: str, *rest: object) -> Entity:
    known, _, person = (*rest, None, None, None)[:3]
    return Entity(
        start,
        end,
        type_,
        known=known if isinstance(known, bool) else None,
        person=person if isinstance(person, int) else None,
    )


def found(folder: Path | None, word: str) -> Path | None:
    """Return the set of a folder whose file's name holds a word; None where there is none."""
    if folder is None:
        return None
    return next((p for p in sorted(folder.glob(f"*{word}*.jsonl*"))), None)
