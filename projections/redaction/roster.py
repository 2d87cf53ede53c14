"""Known people in a text, found through keyed digests alone.

Every distinct word is looked up once and remembered: as an alias, as the beginning of one,
as a form of one (`Priyas`, `Kowalskiego`, `priyaaaa`), as a mistyped one. Longer aliases are
followed word by word. Mail addresses are known by their whole or by the name in them,
telephone numbers by their digits. Someone known only from the events of an erasure is found
exactly like someone known from metadata.
"""

import re
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from itertools import accumulate
from typing import NamedTuple

from projections.redaction import signs
from projections.redaction.everyday import everyday_names, is_used, vocabulary
from projections.redaction.fold import Folded, spots
from projections.redaction.inflected import bases
from projections.redaction.kinds import Found, Kind, Known
from projections.redaction.meant import is_common, is_month, means_person
from projections.redaction.table import Claim, RosterEntry, Table, load_roster, person_of
from vault.aliases import (
    HONORIFICS,
    TYPO_SHORTEST,
    WORD,
    Part,
    is_unspaced,
    mistyped,
    phone,
    phones,
)

__all__ = ["Claim", "Known", "Roster", "RosterEntry", "Table", "load_roster", "person_of"]

_CACHED = 400_000
_CACHED_PHRASES = 200_000
_ALWAYS_TRIED = 4
_LONGEST = 16
_LONGEST_WORD = 40
_FEW = 12
_NEXT = re.compile(rf"([^\w!?;:|\"@*<>=]|_){{0,4}}({WORD.pattern})")
_LOCAL_BACK = re.compile(r"[\w.+%-]{0,63}[^\W_]")
_HOST = re.compile(r"[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}")
_LOCAL = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(
    r"(?<![\w+])[+(]?\d(?:[ ()./\u2010-\u2015-]{0,3}\d){6,23}(?:\s?(?:x|ext\.?|#)\s?\d{1,6})?(?!\d)"
)
_EXTENSION = re.compile(r"\s?(?:x|ext\.?|#)\s?\d{1,6}$")
_GROUP = re.compile(r"[+(]?\d+")
_MOST_GROUPS = 8
_FEWEST_DIGITS, _MOST_DIGITS = 7, 16
_TAIL, _LONGEST_NUMBER = 9, 29
"""Of a telephone number; the zero in brackets is not dialled from abroad."""
_HUMPED = re.compile(r"(?<![A-Za-z])[A-Z]{0,40}[a-z]{1,40}[A-Z][A-Za-z]{0,80}")
_HUMPS = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z]?[a-z]+|[A-Z]")
_MOST_HUMPS = 8
_SHORTEST_CAPITALS = 3
_BETWEEN = frozenset({"", "&", ",", "and", "+", "/", "@", "#"})
_NEAR = 6
_SURE_TYPO = 0.9

_GIVEN = frozenset({Part.FIRST, Part.NICK, Part.MIDDLE, Part.TYPO})
_FAMILY = frozenset({Part.LAST, Part.TYPO_LAST})
_TYPOS = frozenset({Part.TYPO, Part.TYPO_LAST})
_BASED = frozenset({Part.FIRST, Part.LAST, Part.NICK, Part.MIDDLE, Part.HANDLE})
_LOCALS = frozenset({Part.WHOLE, Part.REVERSED, Part.INITIAL, Part.SHORT, Part.HANDLE})
_ARTICLES = frozenset("aioeuyw")
_TINY = 2
_LOWER_TYPO = 6
_KINDS = {
    Part.MAIL: Kind.EMAIL,
    Part.PHONE: Kind.PHONE,
    Part.HANDLE: Kind.HANDLE,
    Part.ADDRESS: Kind.ADDRESS,
}


class _Word(NamedTuple):
    """What a word may be: whose, looked up as what; and whether a longer alias begins so."""

    known: Known | None
    alias: str
    starts: bool


class _Match(NamedTuple):
    """An alias in a folded text; `alias` is what it was looked up as."""

    start: int
    end: int
    known: Known
    alias: str


class Roster:
    """Finds the people of a table in texts."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._words: dict[str, _Word] = {}
        self._nothing: set[str] = set()
        self._phrases: dict[str, Known | None] = {}
        self._in_humps: dict[str, tuple[_Match, ...]] = {}
        self._shared: dict[str, tuple[Known, ...]] = {}

    def find(self, text: Folded) -> list[Found]:
        """Return the known people in a text, left to right, never overlapping."""
        matches = self._worded(text)
        numbered: list[_Match] = []
        if "@" in text.lower:
            numbered += self._mails(text)
        if text.signs & signs.NUMBER:
            numbered += self._numbers(text)
        if text.signs & signs.HUMP:
            numbered += self._humped(text, matches)
        if numbered:
            matches = _first_of([*numbered, *matches])
        if not matches:
            return []
        return [
            Found(m.start, m.end, _KINDS.get(m.known.part, Kind.PERSON), _score(m.known), m.known)
            for m in _joined(text, self._settled(matches))
        ]

    # ------------------------------------------------------------------ words

    def _worded(self, text: Folded) -> list[_Match]:
        lower = text.lower
        told: AbstractSet[str] = text.spoken - self._nothing
        if told:
            told = {w for w in told if (known := self._told(w)) and _possible(w, known, text)}
        found: list[_Match] = []
        if not told:
            return found
        position = 0
        for start, end in _spans(told, text):
            if start < position or (end - start == 1 and not _initial_here(text, start)):
                continue
            beside = bool(found) and _near(lower, found[-1].end, start)
            match = self._at(text, start, end, lower[start:end], beside=beside)
            if match:
                found.append(match)
                position = match.end
        return found

    def _at(self, text: Folded, start: int, end: int, word: str, *, beside: bool) -> _Match | None:
        """Return the longest alias that begins with a word."""
        told = self._words.get(word) or self._word(word)
        if told.starts:
            longer = self._longer(text, start, end, word)
            if longer:
                return longer
        known = told.known
        if known and _single_means(text, start, end, told, beside=beside):
            return _Match(start, end, known, told.alias)
        return None

    def _longer(self, text: Folded, start: int, end: int, word: str) -> _Match | None:
        lower, phrase, count = text.lower, word, 1
        best: _Match | None = None
        unspaced = not word.isascii() and is_unspaced(word)
        while count < _LONGEST:
            if unspaced and (title := HONORIFICS.match(lower, end)):
                known = self._phrase(f"{phrase} *")
                if known:
                    return _Match(start, title.end(), known, phrase)
            following = _NEXT.match(lower, end)
            if following is None or _possessive(lower, end, following.start(2), following.end()):
                break
            phrase, end, count = f"{phrase} {following.group(2)}", following.end(), count + 1
            known = self._phrase(phrase)
            if known and _phrase_means(text, start, end, phrase, known.part):
                best = _Match(start, end, known, phrase)
            if count >= _ALWAYS_TRIED and not self._table.starts(phrase):
                break
        return best

    def _phrase(self, phrase: str) -> Known | None:
        if phrase not in self._phrases:
            if len(self._phrases) >= _CACHED_PHRASES:
                self._phrases.clear()
            self._phrases[phrase] = self._table.get(phrase)
        return self._phrases[phrase]

    def _told(self, word: str) -> _Word | None:
        """Return what a word may be, None where it is nothing; each is looked up once."""
        told = self._words.get(word) or self._word(word)
        return None if told is _NOTHING else told

    def _word(self, word: str) -> _Word:
        known, alias = self._table.get(word), word
        if known is None and not is_common(word):
            known, alias = self._form(word)
        starts = self._table.starts(word)
        if known is None and not starts:
            if len(self._nothing) >= _CACHED:
                self._nothing.clear()
            self._nothing.add(word)
            return _NOTHING
        if len(self._words) >= _CACHED:
            self._words.clear()
        told = self._words[word] = _Word(known, alias, starts)
        return told

    def _form(self, word: str) -> tuple[Known | None, str]:
        """Return whom a rare word means as a form of her name, or mistyped."""
        if word.isdecimal() or is_unspaced(word) or len(word) > _LONGEST_WORD:
            return None, word
        used = is_used(word)
        for base in bases(word, strict=used):
            known = self._table.get(base) if not is_common(base) else None
            if known and known.part in _BASED:
                return known, base
        if not used and len(word) >= TYPO_SHORTEST - 1 and word.isalpha():
            return self._table.first(mistyped(word)), word
        return None, word

    # ------------------------------------------------------------------ mails, numbers, handles

    def _mails(self, text: Folded) -> Iterator[_Match]:
        lower, done = text.lower, 0
        sign = lower.find("@")
        while sign >= 0:
            local = _LOCAL_BACK.match(lower[max(done, sign - 64) : sign][::-1])
            host = _HOST.match(lower, sign + 1) if local else None
            if local and host:
                start, done = sign - local.end(), host.end()
                known = self._mail(lower[start:done])
                if known:
                    yield _Match(start, done, Known(known.person, Part.MAIL), lower[start:done])
            sign = lower.find("@", sign + 1)

    def _mail(self, mail: str) -> Known | None:
        """Return whose a mail address is: as stated, or because her name is in it."""
        known = self._phrase(mail)
        if known:
            return known
        local, _, host = mail.partition("@")
        if "+" in local:
            return self._mail(f"{local.partition('+')[0]}@{host}")
        words = [w for part in _LOCAL.findall(local) for w in WORD.findall(part)]
        known = self._phrase(" ".join(words[:_LONGEST])) if words else None
        return known if known and known.part in _LOCALS else None

    def _numbers(self, text: Folded) -> Iterator[_Match]:
        for at in _NUMBER.finditer(text.lower):
            yield from self._number(at.group(), at.start())

    def _number(self, written: str, offset: int) -> Iterator[_Match]:
        extension = _EXTENSION.search(written)
        plain = written[: extension.start()] if extension else written
        known = self._phoned(plain)
        if known:
            yield _Match(offset, offset + len(written), known, phone(plain))
            return
        yield from self._in_groups(plain, offset)

    def _in_groups(self, plain: str, offset: int) -> Iterator[_Match]:
        """Yield the number of somebody that some groups of digits make, the most groups first."""
        groups = [found.span() for found in _GROUP.finditer(plain)][:_MOST_GROUPS]
        # How many digits stand before each group, and before the end of the last one.
        before = [0, *accumulate(end - start - (plain[start] in "+(") for start, end in groups)]
        digits = "".join(filter(str.isdecimal, plain))
        for size in range(len(groups) - 1, 0, -1):
            for first in range(len(groups) - size + 1):
                begin, stop = before[first], before[first + size]
                if not _FEWEST_DIGITS <= stop - begin <= _MOST_DIGITS:
                    continue
                start, end = groups[first][0], groups[first + size - 1][1]
                known = self._grouped(plain[start:end], digits[begin:stop])
                if known:
                    yield _Match(offset + start, offset + end, known, phone(plain[start:end]))
                    return

    def _grouped(self, written: str, digits: str) -> Known | None:
        """Return whose number some groups are, as `_phoned`, sparing most to be read again."""
        international = digits.startswith("00") or written.startswith("+") or "(0)" in written
        if international or len(digits) <= _TAIL:
            return self._phoned(written)
        fits = len(digits) < _MOST_DIGITS and len(written) <= _LONGEST_NUMBER
        known = self._phrase(digits[-_TAIL:]) if fits else None
        return known if known and known.part is Part.PHONE else None

    def _phoned(self, written: str) -> Known | None:
        found = (self._phrase(digits) for digits in phones(written))
        return next((known for known in found if known and known.part is Part.PHONE), None)

    def _humped(self, text: Folded, words: list[_Match]) -> Iterator[_Match]:
        """Yield people in words like `TeamPriya` that are nobody's as they stand."""
        taken = {match.start for match in words}
        for at in _HUMPED.finditer(text.text):
            start, written = at.start(), at.group()
            if start in taken:
                continue
            if written not in self._in_humps:
                if len(self._in_humps) >= _CACHED_PHRASES:
                    self._in_humps.clear()
                self._in_humps[written] = tuple(self._of_humps(written))
            for one in self._in_humps[written]:
                yield one._replace(start=start + one.start, end=start + one.end)

    def _of_humps(self, written: str) -> Iterator[_Match]:
        humps = [hump.span() for hump in _HUMPS.finditer(written)][:_MOST_HUMPS]
        first = 0
        while first < len(humps):
            size = len(humps) - first
            while size:
                start, end = humps[first][0], humps[first + size - 1][1]
                phrase = " ".join(written[a:b] for a, b in humps[first : first + size]).lower()
                # What is too short, a word, or `BEL` in `USAvsBEL`, is not worth a digest.
                short = _SHORTEST_CAPITALS if written[start:end].isupper() else _TINY
                worth = end - start > short and not is_common(phrase)
                known = self._phrase(phrase) if worth else None
                if known and known.part in _BASED | _LOCALS:
                    yield _Match(start, end, known, phrase)
                    break
                size -= 1
            first += max(size, 1)

    # ------------------------------------------------------------------ who is meant

    def _settled(self, matches: list[_Match]) -> list[_Match]:
        """Decide between persons who share a name: somebody named more fully beside is meant."""
        sharing = [self._sharing(match.alias) for match in matches]
        if not any(sharing) and all(m.known.part is not Part.INITIALS for m in matches):
            return matches
        named = _Named(matches, sharing)
        settled: list[_Match] = []
        for number, (match, shared) in enumerate(zip(matches, sharing, strict=True)):
            initials = match.known.part is Part.INITIALS
            meant = named.meant(number, shared or (match.known,)) if shared or initials else None
            if meant or not initials:
                settled.append(match._replace(known=meant) if meant else match)
        return settled

    def _sharing(self, alias: str) -> tuple[Known, ...]:
        if alias not in self._shared:
            if len(self._shared) >= _CACHED:
                self._shared.clear()
            self._shared[alias] = self._table.sharing(alias)
        return self._shared[alias]


_NOTHING = _Word(None, "", starts=False)


def _spans(told: AbstractSet[str], text: Folded) -> Iterable[tuple[int, int]]:
    """Return where words stand, in order: each is looked for where they are few."""
    if len(told) > _FEW or not text.plain:
        return (at.span() for at in WORD.finditer(text.lower) if at.group() in told)
    return sorted((at, at + len(word)) for word in told for at in spots(text.plain, word))


def _possible(word: str, told: _Word, text: Folded) -> bool:
    """Whether a text writes a letter as an initial, or initials in capitals, at all."""
    if len(word) == 1 and word.isascii():
        return (
            f"{word}." in text.lower
            or (word != "i" and word.upper() in text.text)
            or (word not in _ARTICLES and f" {word} " in text.lower)
        )
    if told.known and told.known.part is Part.INITIALS and not told.starts:
        return word.upper() in text.text
    return True


def _initial_here(text: Folded, at: int) -> bool:
    """Whether one letter may be an initial where it stands: the s of a possessive is none."""
    letter = text.text[at]
    if not letter.isascii() or text.lower[at + 1 : at + 2] == ".":
        return True
    if letter.islower():
        return letter not in _ARTICLES and (at == 0 or text.lower[at - 1] != "'")
    return letter != "I"


def _score(known: Known) -> float:
    return _SURE_TYPO if known.part in _TYPOS else 1.0


def _first_of(matches: list[_Match]) -> list[_Match]:
    """Return matches in order without those that others overlap; the longer one stays."""
    kept: list[_Match] = []
    for match in sorted(matches, key=lambda m: (m.start, -m.end)):
        if not kept or match.start >= kept[-1].end:
            kept.append(match)
        elif match.end - match.start > kept[-1].end - kept[-1].start:
            kept[-1] = match
    return kept


def _near(lower: str, end: int, start: int) -> bool:
    return start - end <= _NEAR and lower[end:start].strip() in _BETWEEN


class _Named:
    """Who is named in a text by what nobody shares, and where."""

    def __init__(self, matches: list[_Match], sharing: list[tuple[Known, ...]]) -> None:
        self._matches = matches
        self._sure = [
            not shared and match.known.part is not Part.INITIALS
            for match, shared in zip(matches, sharing, strict=True)
        ]
        self._first: dict[bytes, int] = {}
        self._last: dict[bytes, int] = {}
        self._read = 0
        for number, match in enumerate(matches):
            if self._sure[number]:
                self._first.setdefault(match.known.person, number)

    def meant(self, number: int, claimed: tuple[Known, ...]) -> Known | None:
        """Return who of several is named right beside, else last before, else first after.

        It is asked for numbers in ascending order.
        """
        if not self._first:
            return None
        for read in range(self._read, number):
            if self._sure[read]:
                self._last[self._matches[read].known.person] = read
        self._read = number
        by_person = {known.person: known for known in reversed(claimed)}
        for beside in (number - 1, number + 1):
            if 0 <= beside < len(self._matches) and self._sure[beside]:
                known = by_person.get(self._matches[beside].known.person)
                if known and self._touch(number, beside):
                    return known
        before = max(by_person, key=lambda person: self._last.get(person, -1))
        if before in self._last:
            return by_person[before]
        after = min(by_person, key=lambda person: self._first.get(person, len(self._matches)))
        return by_person[after] if after in self._first else None

    def _touch(self, one: int, other: int) -> bool:
        first, second = sorted((self._matches[one], self._matches[other]))
        return second.start - first.end <= _TINY


def _joined(text: Folded, matches: list[_Match]) -> Iterator[_Match]:
    """Yield matches, a given and a family name of one person that stand together as one."""
    last: _Match | None = None
    for match in matches:
        whole = _together(text.lower, last, match) if last else None
        if last and whole:
            last = _Match(last.start, match.end, Known(last.known.person, whole), "")
            continue
        if last:
            yield last
        last = match
    if last:
        yield last


def _together(lower: str, one: _Match, other: _Match) -> Part | None:
    if one.known.person != other.known.person or other.start - one.end > _TINY:
        return None
    gap = lower[one.end : other.start].strip()
    if one.known.part in _GIVEN and other.known.part in _FAMILY and not gap:
        return Part.WHOLE
    if one.known.part in _FAMILY and other.known.part in _GIVEN and gap in {"", ","}:
        return Part.REVERSED
    return None


def _possessive(lower: str, end: int, start: int, stop: int) -> bool:
    """Whether a word is only the end of the one before it: the s of a possessive, `'ll`."""
    return "'" in lower[end:start] and (
        stop - start == 1 or lower[start:stop] in {"ll", "re", "ve"}
    )


def _single_means(text: Folded, start: int, end: int, told: _Word, *, beside: bool) -> bool:
    """Whether a word that is a name is meant as one where it stands."""
    assert told.known is not None
    part, written = told.known.part, text.text[start:end]
    if part is Part.INITIALS:
        return written.isupper()
    lower = not written[0].isupper() and written.isascii()
    if part in _TYPOS:
        return not lower or end - start >= _LOWER_TYPO
    if end - start <= _TINY and part is Part.NICK:
        return False
    if is_month(text, start, end):
        return False
    # A nickname in lower case that is a word as well (mania, pat) is mostly that.
    word = part is Part.NICK and written.islower() and _is_word(told.alias)
    if word or is_common(told.alias) or (end - start <= _TINY and lower):
        return means_person(text, start, end, beside=beside)
    return True


def _is_word(nick: str) -> bool:
    return nick in vocabulary() and nick not in everyday_names()


def _phrase_means(text: Folded, start: int, end: int, phrase: str, part: Part) -> bool:
    """Whether words that are an alias are meant as one: `i will` and `hope i` are not."""
    if part is Part.START:
        return False
    words = phrase.split(" ")
    if part is Part.INITIALS:
        return text.text[start:end].isupper()
    if part in {Part.INITIAL, Part.SHORT}:
        return _initial_means(text, start, end, words)
    if part is Part.ADDRESS or not all(map(is_common, words)):
        return True
    if any(c.isupper() for c in text.text[start:end]):
        return True
    return "," not in text.text[start:end] and means_person(text, start, end, beside=False)


def _initial_means(text: Folded, start: int, end: int, words: list[str]) -> bool:
    first = len(words[0]) == 1
    letter = words[0] if first else words[-1]
    at = start if first else end - 1
    written = text.text[at]
    if text.text[at + 1 : at + 2] == ".":
        return True
    if letter in _ARTICLES and (letter == "i" or not written.isupper()):
        return False
    name = words[-1] if first else words[0]
    name_start = end - len(name) if first else start
    if is_common(name):
        return written.isupper() and text.text[name_start].isupper()
    if written.isupper():
        return True
    return first and (start == 0 or text.text[start - 1] != "'")
