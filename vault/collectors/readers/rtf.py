"""Rich text: `.rtf` of Word, WordPad, TextEdit and their kin (RTF 1.9.1).

Groups are kept on a list instead of the interpreter's stack, so depth costs nothing. What is
no text of the document (fonts, pictures, headers, everything unknown that says it may be
skipped) is skipped; bytes are decoded by the character set of the font they are set in.
"""

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from vault.collectors.readers.document import Blocks, Document, people
from vault.collectors.readers.tree import Unreadable

__all__ = ["read_rtf"]

_DEEPEST = 10_000
_TELL_EVERY = 1 << 20
_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})?[ ]?"  # a word with its number
    rb"|\\'([0-9a-fA-F]{2})"  # a byte
    rb"|\\([^a-zA-Z])"  # a sign
    rb"|([{}])"
    rb"|[\r\n]+"
    rb"|([^\\{}\r\n]+)"
    rb"|\\"
)
_SKIPPED = frozenset(
    (
        *("fonttbl", "colortbl", "stylesheet", "pict", "object", "header", "headerl", "headerr"),
        *("headerf", "footer", "footerl", "footerr", "footerf", "listtable", "listoverridetable"),
        *("revtbl", "rsidtbl", "themedata", "colorschememapping", "datastore", "latentstyles"),
        *(
            "filetbl",
            "fldinst",
            "sp",
            "shprslt",
            "xe",
            "tc",
            "rxe",
            "bkmkstart",
            "bkmkend",
            "nonshppict",
        ),
        *("ftnsep", "ftnsepc", "aftnsep", "aftnsepc", "template", "private", "keycode", "xmlopen"),
    )
)
# Behind `\*` a reader may skip what it does not know; of that, these are read.
_READ_THOUGH_OPTIONAL = frozenset(
    {"shpinst", "shptxt", "ud", "annotation", "atnauthor", "footnote"}
)
_SIGNS = {
    "tab": "\t",
    "line": "\n",
    "lbr": "\n",
    "emdash": "\u2014",
    "endash": "\u2013",
    "emspace": " ",
    "enspace": " ",
    "qmspace": " ",
    "bullet": "\u2022",
    "lquote": "\u2018",
    "rquote": "\u2019",
    "ldblquote": "\u201c",
    "rdblquote": "\u201d",
    "zwj": "\u200d",
    "zwnj": "\u200c",
}
_PLAIN_SIGNS = {b"~": " ", b"_": "\u2011", b"\\": "\\", b"{": "{", b"}": "}"}
_ENDS = frozenset({"par", "sect", "page", "row", "nestrow", "\n", "\r"})
_FACTS = frozenset({"title", "author", "operator", "keywords", "creatim", "revtim"})
_MOMENT = ("yr", "mo", "dy", "hr", "min", "sec")
_CHARSETS = {
    0: "cp1252",
    2: "cp1252",
    77: "mac_roman",
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
    255: "cp437",
}
_SURROGATES = re.compile(r"[\ud800-\udbff][\udc00-\udfff]")


@dataclass(frozen=True, slots=True)
class _Group:
    """What holds between two braces."""

    skipped: bool = False
    place: str = ""
    font: int = 0
    after_unicode: int = 1
    hidden: bool = False
    heading: int = 0
    in_table: bool = False


@dataclass(slots=True)
class _State:
    """How far a text has been read."""

    group: _Group = field(default_factory=_Group)
    outer: list[_Group] = field(default_factory=list)
    optional: bool = False
    skip: int = 0
    waiting: bytearray = field(default_factory=bytearray)


def read_rtf(data: bytes, alive: Callable[[], object] = bool) -> Document:
    """Return the text of a rich text.

    Args:
        data: The whole file.
        alive: Called from time to time, since a large one takes a while.

    Raises:
        Unreadable: It is no rich text, or its groups are nested too deeply.
    """
    if not data.startswith(b"{\\rtf"):
        raise Unreadable("it is no rich text")
    text = _Text()
    at = told = 0
    while (token := _TOKEN.match(data, at)) is not None:
        at = token.end() + text.take(token)
        if at - told > _TELL_EVERY:
            alive()
            told = at
    return text.finished()


class _Text:
    """A text on its way from words of RTF to blocks."""

    def __init__(self) -> None:
        self._state = _State()
        self._blocks = Blocks()
        self._line: list[str] = []
        self._cells: list[str] = []
        self._apart: dict[str, list[str]] = {}
        self._notes: list[str] = []
        self._comments: list[str] = []
        self._facts: dict[str, list[str]] = {}
        self._codepage = "cp1252"
        self._charsets: dict[int, str] = {}
        self._is_listed = False

    def take(self, token: "re.Match[bytes]") -> int:
        """Take a token; return how many bytes behind it are no RTF."""
        word, number, byte, sign, brace, plain = token.groups()
        state = self._state
        if byte is None and plain is None:
            self._decode()
        if word is not None:
            return self._word(word.decode("ascii"), number)
        if byte is not None:
            if state.skip:
                state.skip -= 1
            else:
                state.waiting.append(int(byte, 16))
        elif sign is not None:
            self._sign(sign)
        elif brace is not None:
            self._brace(brace)
        elif plain is not None and not state.group.skipped:
            skipped = min(state.skip, len(plain))
            state.skip -= skipped
            state.waiting += plain[skipped:]
        return 0

    def _sign(self, sign: bytes) -> None:
        if sign == b"*":
            self._state.optional = True
        elif sign in b"\r\n":
            self._end("par")
        elif self._state.skip:
            self._state.skip -= 1
        else:
            self._say(_PLAIN_SIGNS.get(sign, ""))

    def _brace(self, brace: bytes) -> None:
        state = self._state
        state.skip = 0
        state.optional = False
        if brace == b"{":
            state.outer.append(state.group)
            if len(state.outer) > _DEEPEST:
                raise Unreadable("it is nested too deeply")
        elif state.outer:
            ended, state.group = state.group, state.outer.pop()
            if ended.place != state.group.place:
                self._close(ended.place)

    def _word(self, word: str, digits: bytes | None) -> int:
        state = self._state
        number = int(digits) if digits is not None else None
        if word == "bin":
            return max(number or 0, 0)
        optional, state.optional = state.optional, False
        if state.skip and word != "u":
            state.skip -= 1
        elif word == "ud" and state.group.place == "upr":
            state.group = replace(state.group, skipped=False, place="ud")
        elif word in _SKIPPED or (optional and word not in _READ_THOUGH_OPTIONAL):
            self._skip(word)
        elif word in {"f", "fcharset"}:
            self._font(word, number or 0)
        elif not state.group.skipped:
            self._content(word, number)
        return 0

    def _skip(self, word: str) -> None:
        group = self._state.group
        place = "fonttbl" if word == "fonttbl" else group.place
        self._state.group = replace(group, skipped=True, place=place)

    def _font(self, word: str, number: int) -> None:
        """Note which font is meant, and within the table of fonts its character set."""
        group = self._state.group
        if word == "f":
            self._state.group = replace(group, font=number)
        elif group.place == "fonttbl" and number in _CHARSETS and number:
            self._charsets[group.font] = _CHARSETS[number]

    def _content(self, word: str, number: int | None) -> None:
        state = self._state
        if word in _SIGNS:
            self._say(_SIGNS[word])
        elif word == "u":
            self._say(chr((number or 0) & 0xFFFF))
            state.skip = state.group.after_unicode
        elif word == "uc":
            state.group = replace(state.group, after_unicode=max(number or 0, 0))
        elif word in _ENDS:
            self._end(word)
        elif word in {"cell", "nestcell"}:
            self._cells.append(" ".join("".join(self._line).split()))
            self._line.clear()
        elif word in {"ansicpg", "mac", "pc", "pca"}:
            self._codepage = _codepage(word, number or 0)
        elif (
            word in {"footnote", "annotation", "atnauthor", "listtext", "pntext", "upr"}
            or word in _FACTS
        ):
            self._open(word)
        else:
            self._layout(word, number)

    def _layout(self, word: str, number: int | None) -> None:
        group = self._state.group
        if word in {"v", "deleted"}:
            self._state.group = replace(group, hidden=number != 0)
        elif word == "plain":
            self._state.group = replace(group, hidden=False)
        elif word == "pard":
            self._state.group = replace(group, heading=0, in_table=False)
        elif word == "outlinelevel":
            self._state.group = replace(group, heading=min(number or 0, 5) + 1)
        elif word == "intbl":
            self._state.group = replace(group, in_table=True)
        elif word in _MOMENT and group.place in {"creatim", "revtim"}:
            self._apart.setdefault(group.place, []).append(f"{number or 0:02}")

    # --- what stands apart: notes, comments, facts about the document ---

    def _open(self, word: str) -> None:
        if word == "footnote":
            self._say(f"[^{len(self._notes) + 1}]")
        self._is_listed = self._is_listed or word in {"listtext", "pntext"}
        # Of the two forms that `upr` has of the same thing, the second is Unicode.
        skipped = word in {"listtext", "pntext", "upr"}
        self._state.group = replace(self._state.group, place=word, skipped=skipped)

    def _close(self, place: str) -> None:
        parts = self._apart.pop(place, [])
        said = "".join(parts)
        if place in {"creatim", "revtim"}:
            self._facts[place] = [f"{'-'.join(parts[:3])}T{':'.join([*parts[3:], '00'][:3])}"]
        elif place == "footnote":
            self._notes.append(said)
        elif place == "annotation":
            author = "".join(self._facts.pop("atnauthor", []))
            told = " ".join(said.split())
            self._comments.append(f"{author}: {told}" if author else told)
        elif place in _FACTS or place == "atnauthor":
            self._facts[place] = [said]

    # --- words ---

    def _say(self, text: str) -> None:
        group = self._state.group
        if not text or group.skipped or group.hidden:
            return
        if group.place in {"", "ud"}:
            self._line.append(text)
        else:
            self._apart.setdefault(group.place, []).append(text)

    def _decode(self) -> None:
        """Say the bytes that came, which may make less letters than bytes."""
        waiting = self._state.waiting
        if waiting:
            charset = self._charsets.get(self._state.group.font, self._codepage)
            self._say(waiting.decode(charset, "replace"))
            waiting.clear()

    def _end(self, word: str) -> None:
        group = self._state.group
        if group.skipped or group.place not in {"", "ud"}:
            self._say("\n" if word == "par" else "")
            return
        if group.in_table and word == "par":
            self._line.append(" ")
            return
        text = "".join(self._line).strip()
        self._line.clear()
        if word in {"row", "nestrow"}:
            if any(self._cells):
                self._blocks.add(" | ".join(self._cells), "row")
            self._cells.clear()
        elif group.heading and text:
            self._blocks.add(f"{'#' * group.heading} {' '.join(text.split())}")
        elif self._is_listed and text:
            self._blocks.add(f"- {text}", "list")
        else:
            self._blocks.add(text)
        self._is_listed = False

    def finished(self) -> Document:
        """Return the document."""
        self._decode()
        self._state.group = _Group()
        self._end("par")
        for number, note in enumerate(self._notes, 1):
            self._blocks.add(f"[^{number}]: {_whole(note).strip()}", "note")
        facts = {name: "".join(said) for name, said in self._facts.items()}
        return Document(
            text=_whole(str(self._blocks)),
            title=_whole(facts.get("title", "")),
            authors=people([_whole(facts.get("author", ""))]),
            editors=people([_whole(facts.get("operator", ""))]),
            created=facts.get("creatim", ""),
            modified=facts.get("revtim", ""),
            keywords=_whole(facts.get("keywords", "")),
            comments=tuple(map(_whole, self._comments)),
        )


def _codepage(word: str, number: int) -> str:
    if word != "ansicpg":
        return {"mac": "mac_roman", "pc": "cp437", "pca": "cp850"}[word]
    name = {10000: "mac_roman", 65001: "utf-8"}.get(number, f"cp{number}")
    try:
        codecs.lookup(name)
    except LookupError:
        return "cp1252"
    return name


def _whole(text: str) -> str:
    """Return text whose letters beyond U+FFFF came in two halves."""
    return _SURROGATES.sub(
        lambda pair: pair.group().encode("utf-16", "surrogatepass").decode("utf-16"), text
    )
