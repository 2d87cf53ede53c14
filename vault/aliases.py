"""Names and addresses under a key, so that redaction can know people without storing them.

A person is found in a text by the keyed digests of her aliases alone. Someone whose words
were erased therefore stays masked: the log keeps digests, which say nothing without the
vault's key. Everything here is pure; the key comes in.
"""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from vault.confusables import passes_for
from vault.consent import normal

__all__ = [
    "ASCII_WORD",
    "HONORIFICS",
    "PARTICLES",
    "TYPO_SHORTEST",
    "WORD",
    "Alias",
    "Aliases",
    "Keyed",
    "Part",
    "entries",
    "fold",
    "fold_character",
    "forms",
    "is_unspaced",
    "mistyped",
    "nicknames",
    "phone",
    "phones",
    "typos",
    "words",
]


class Part(StrEnum):
    """What an alias is of its person; decides what replaces it.

    Where two persons share an alias, the part that stands first here has the better claim.
    """

    IDENTITY = "identity"  # never in a text: whoever shares it is the same person
    BESIDE = "beside"  # never in a text: stated together, though not of one person alone
    APART = "apart"  # never in a text: of different people who share a name
    START = "start"  # never replaced: the first words of an alias of several words
    WHOLE = "whole"  # Priya Nair
    REVERSED = "reversed"  # Nair, Priya
    INITIAL = "initial"  # P. Nair; Nair, P.
    SHORT = "short"  # Priya N.
    HANDLE = "handle"  # priya_n, PriyaNair
    MAIL = "mail"
    PHONE = "phone"
    ADDRESS = "address"  # where she lives, whole or the street alone
    FIRST = "first"
    LAST = "last"
    NICK = "nick"  # what her given name is commonly shortened to
    MIDDLE = "middle"
    INITIALS = "initials"  # PN: only beside a longer form
    TYPO = "typo"  # never in a text: a given or middle name less a letter
    TYPO_LAST = "typo of last"  # never in a text: a family name less a letter


class Alias(NamedTuple):
    """One way to write a person, folded: words with one space, an address, or digits."""

    text: str
    part: Part


_BLOCK = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


class Keyed:
    """HMAC-SHA256 under one key, its first blocks hashed once: texts ask for many digests."""

    def __init__(self, key: bytes) -> None:
        padded = key.ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(padded.translate(_INNER))
        self._outer = hashlib.sha256(padded.translate(_OUTER))

    def digest(self, content: bytes) -> bytes:
        """Return the 32 bytes of a content."""
        inner = self._inner.copy()
        inner.update(content)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()

    def digests(self, contents: Iterable[bytes]) -> list[bytes]:
        """Return the digests of many contents."""
        inside, outside = self._inner.copy, self._outer.copy
        found: list[bytes] = []
        for content in contents:
            inner = inside()
            inner.update(content)
            outer = outside()
            outer.update(inner.digest())
            found.append(outer.digest())
        return found


class Aliases:
    """Keyed digests of aliases and tokens of persons."""

    def __init__(self, key: bytes) -> None:
        self._alias = Keyed(hmac.digest(key, b"twinvault alias", "sha256"))
        self._identity = Keyed(hmac.digest(key, b"twinvault identity", "sha256"))
        self._person = Keyed(hmac.digest(key, b"twinvault person", "sha256"))

    def digest(self, alias: str) -> bytes:
        """Return the 16 bytes under which an alias is found, however it is spelled."""
        if "@" in alias.strip("@"):
            return self.folded(fold(alias).lower().strip())
        digits = phone(alias)
        return self.folded(digits or " ".join(words(alias)))

    def folded(self, text: str) -> bytes:
        """Return the digest of an alias that is folded already."""
        return self._alias.digest(text.encode("utf-8", "surrogatepass"))[:16]

    def all_folded(self, texts: Iterable[str]) -> list[bytes]:
        """Return the digests of many aliases that are folded already."""
        contents = [text.encode("utf-8", "surrogatepass") for text in texts]
        return [digest[:16] for digest in self._alias.digests(contents)]

    def start(self, words_: str) -> bytes:
        """Return the digest that says: an alias of more words may begin with these."""
        return self.folded(words_ + " ")

    def identity(self, form: str) -> bytes:
        """Return the digest of a whole name or address, as `vault.consent.normal` writes it."""
        text = fold(normal(form)).lower()
        return self._identity.digest(text.encode("utf-8", "surrogatepass"))[:16]

    def person(self, canonical: str) -> bytes:
        """Return the 8-byte token of a person known by a canonical form."""
        return self._person.digest(canonical.encode("utf-8", "surrogatepass"))[:8]


_LONG = {
    "ß": "ss",
    "ẞ": "SS",
    "æ": "ae",
    "Æ": "AE",
    "œ": "oe",
    "Œ": "OE",
    "\u2019": "'",
    "\u2018": "'",
}
_HANGUL = range(0xAC00, 0xD7A4)


def fold_character(character: str) -> str:
    """Return a character without accents, width and disguise; nothing where it is invisible."""
    if character.isascii() or ord(character) in _HANGUL:
        return character
    if character in _LONG:
        return _LONG[character]
    if unicodedata.category(character) in {"Cf", "Mn", "Me"}:
        return ""
    plain = "".join(
        c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c)
    )
    return "".join(c if c.isascii() else passes_for(c) or c for c in plain) or character


def fold(text: str) -> str:
    """Return a text as it is compared, letter case kept."""
    if text.isascii():
        return text
    return "".join(map(fold_character, unicodedata.normalize("NFC", text)))


# Scripts without spaces between words: there every character is a word of its own.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff"
WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")
ASCII_WORD = re.compile(r"[a-z0-9]+")
_IS_UNSPACED = re.compile(rf"[{_UNSPACED}]")


def is_unspaced(text: str) -> bool:
    """Whether a text holds a script without spaces between words."""
    return not text.isascii() and _IS_UNSPACED.search(text) is not None


def words(text: str) -> list[str]:
    """Return the words of a name, folded and in lower case."""
    return WORD.findall(fold(text).lower())


# An extension, and the zero in brackets that is dialled within the country only.
_PHONE_EXTENSION = re.compile(
    r"[\s,;]{0,3}(?:x|ext\.?|extension|#|durchwahl|dw\.?|poste|int\.|wew\.|ramal)[\s:.]{0,2}\d{1,6}$",
    re.IGNORECASE,
)
_PHONE = re.compile(r"\+?[\d(][\d ()./\u2010-\u2015-]{5,28}")
_NO_DIGIT = re.compile(r"\D+")
_PHONE_DIGITS = range(7, 16)
_PHONE_TAIL = 9


def phone(text: str) -> str:
    """Return what a telephone number is compared by: its last nine digits; or nothing.

    The digits before them differ between the national and the international spelling.
    """
    digits = _dialled(text.strip())[1]
    return digits[-_PHONE_TAIL:] if len(digits) in _PHONE_DIGITS else ""


def _dialled(text: str) -> tuple[str, str]:
    """Return a telephone number without its extension and zero in brackets, and its digits."""
    if not _PHONE.fullmatch(text):
        text = _PHONE_EXTENSION.sub("", text)
        if not _PHONE.fullmatch(text):
            return "", ""
    plain = text.replace("(0)", "")
    digits = _NO_DIGIT.sub("", plain)
    return plain, digits if digits.isascii() else "".join(str(int(c)) for c in digits)


def phones(text: str) -> Iterator[str]:
    """Yield all that a telephone number is compared by.

    A number that is shorter than nine digits without its country is known by these alone.
    """
    plain, digits = _dialled(text.strip())
    if len(digits) not in _PHONE_DIGITS:
        return
    tail = digits[-_PHONE_TAIL:]
    yield tail
    if plain.startswith("+") or digits.startswith("00"):
        digits = digits.removeprefix("00")
        code = next((n for n in (1, 2) if digits[:n] in _CODES), 3)
        national = digits[code:]
    else:
        national = digits.removeprefix("0")
    if national != tail and _PHONE_DIGITS.start <= len(national) < _PHONE_TAIL:
        yield national


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Calling codes of one and two digits (ITU-T E.164); all others have three.
_CODES = _set(
    "1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 "
    "64 65 66 81 82 84 86 90 91 92 93 94 95 98"
)
_TITLES = _set(
    "mr mrs ms miss mx dr prof professor sir dame rev herr frau fraulein monsieur madame "
    "mademoiselle mme mlle senor senora senorita sr sra srta don dona dom signor signora signorina "
    "sig senhor senhora meneer mevrouw mevr dhr mw pan pani jr snr phd md esq ing mgr lic"
)
# What one calls one's own family says nothing about who they are.
_KIN = _set(
    "mum mom mummy mommy dad daddy mama papa ma pa granny gran grandma grandpa grandad nan nana "
    "sis bro sister brother auntie aunt aunty uncle cousin mutti vati mami papi oma opa tante onkel "
    "maman tonton mamie papy tata tia tio abuela abuelo nonna nonno zia zio babcia dziadek mamma "
    "babbo avo vovo ciocia wujek tato"
)
PARTICLES = _set(
    "van von vom zum zur de del della dello delle degli der den dem des di da das do dos du d la "
    "las le les lo los el al bin ibn ben bint abu ter ten te tot op het t zu y e und mac mc o st"
)
_ORGANISATION = _set(
    "team support service services newsletter news noreply info inc ltd llc gmbh co company corp "
    "group club bank shop store office customer care help desk admin notifications billing sales "
    "society association university school college council department centre center hotel "
    "airlines library clinic surgery hospital institute foundation committee the and list digest "
    "crew choir band class course friends family neighbours parents alumni rowers runners "
    "monday tuesday wednesday thursday friday saturday sunday"
)
_LONGEST = 8
_SHORTEST_WORD = 2
_SHORTEST_MIDDLE = 3
_SHORTEST_JOINED = 5
TYPO_SHORTEST = 5
"""How long a name is that may be mistyped; of shorter ones, others are one letter away."""

_MISTYPED = {
    Part.FIRST: Part.TYPO,
    Part.MIDDLE: Part.TYPO,
    Part.LAST: Part.TYPO_LAST,
}


def entries(text: str) -> Iterator[Alias]:
    """Yield all by which an agent's id or name is found: what a roster or an event must hold.

    These are its forms; for a form of several words what they begin with (a space at the
    end tells them apart); for a name what remains of it when a letter is left out, by which
    mistyped ones are found (they begin with `~`).
    """
    seen: set[str] = set()
    for alias in forms(text):
        yield alias
        spaces = [at for at, character in enumerate(alias.text) if character == " "]
        for at in spaces:
            begin = alias.text[: at + 1]
            if begin not in seen:
                seen.add(begin)
                yield Alias(begin, Part.START)
        if not spaces and alias.part in _MISTYPED and len(alias.text) >= TYPO_SHORTEST:
            if is_unspaced(alias.text):
                continue
            part = _MISTYPED[alias.part]
            yield Alias("~" + alias.text, part)
            yield from (Alias(less, part) for less in typos(alias.text))


def typos(word: str) -> list[str]:
    """Return what a name is found by when it is mistyped: itself less a letter, but the first.

    With it stands the place of the letter, counted in threes: names that share the rest but
    lack another letter are different names.
    """
    return [f"~{word[:at]}{word[at + 1 :]}{at % 3}" for at in range(1, len(word))]


def mistyped(word: str) -> Iterator[str]:
    """Yield what to look up where a word may be a mistyped name, the likeliest first.

    A letter is missing, or one is too many, another one, or has changed places with the next.
    """
    yield from (f"~{word}{place}" for place in range(3))
    for at in range(1, len(word)):
        less = word[:at] + word[at + 1 :]
        yield f"~{less}{at % 3}"
        yield f"~{less}"
        yield f"~{less}{(at + 1) % 3}"


def forms(text: str) -> Iterator[Alias]:
    """Yield every alias of an agent's id or name.

    Args:
        text: A name or an address, with or without its scheme.
    """
    yield from dict.fromkeys(_forms(text))


def _forms(text: str) -> Iterator[Alias]:
    scheme, colon, rest = text.partition(":")
    if colon and scheme in {"mailto", "tel", "name", "acct", "adr"}:
        text = rest
    text = text.strip()
    if scheme == "adr" and colon:
        yield from _of_address(text)
    elif "@" in text.strip("@"):
        mail = fold(text).lower()
        yield Alias(mail, Part.MAIL)
        local, _, host = mail.rpartition("@")
        if local.partition("+")[0]:
            yield Alias(f"{local.partition('+')[0]}@{host}", Part.MAIL)
    elif phone(text):
        yield from (Alias(digits, Part.PHONE) for digits in phones(text))
    elif text.startswith("@") or scheme == "acct":
        parts = words(text)[:_LONGEST]
        if parts:
            yield Alias(" ".join(parts), Part.HANDLE)
            yield Alias("".join(parts), Part.HANDLE)
    else:
        yield from _of_name(text)


_DECIMALS = re.compile(r"\d+")


def _of_name(text: str) -> Iterator[Alias]:
    if text.count(",") == 1:
        last, _, first = text.partition(",")
        text = f"{first} {last}"
    ignored = _TITLES | _KIN
    units = [tuple(w for w in words(unit) if w not in ignored) for unit in text.split()]
    units = [unit for unit in units if unit and not all(map(_DECIMALS.fullmatch, unit))]
    parts = [word for unit in units for word in unit]
    if not parts:
        return
    if is_unspaced(parts[0]):
        yield from _of_unspaced(units)
    elif _ORGANISATION.intersection(parts):
        part = Part.WHOLE if len(parts) > 1 else Part.FIRST
        yield Alias(" ".join(parts[:_LONGEST]), part)
    elif len(units) == 1:
        yield from _of_given(units[0])
    else:
        yield from _of_person(units)


def _of_given(unit: tuple[str, ...]) -> Iterator[Alias]:
    """Yield the aliases of a given name alone, which a hyphen may make two words."""
    whole = " ".join(unit)
    if len(whole) >= _SHORTEST_WORD:
        yield Alias(whole, Part.FIRST)
    if len(unit) > 1:
        yield Alias("".join(unit), Part.FIRST)
        if _is_word(unit[0]):
            yield Alias(unit[0], Part.FIRST)
        yield from (Alias(w, Part.MIDDLE) for w in unit[1:] if _is_middle(w))
    for nick in _nicks(unit):
        yield Alias(nick, Part.NICK)


def _nicks(unit: tuple[str, ...]) -> tuple[str, ...]:
    found = nicknames().get(" ".join(unit), ())
    return found if found or len(unit) == 1 else nicknames().get(unit[0], ())


def _of_person(units: list[tuple[str, ...]]) -> Iterator[Alias]:
    first, last = units[0], units[-1]
    begin = len(units) - 1
    while begin > 1 and all(word in PARTICLES for word in units[begin - 1]):
        begin -= 1
    middle = units[1:begin]
    full = " ".join(word for unit in units[begin:] for word in unit)
    given = " ".join(first)
    parts = [word for unit in units for word in unit]
    if len(units) - begin == 1 and len(last) == 1 and all(len(u) == 1 for u in units):
        full = last[0]
    yield Alias(" ".join(parts[:_LONGEST]), Part.WHOLE)
    for family in dict.fromkeys((" ".join(last), full)):
        yield from _of_pair(given, family, middle)
        if _is_word(family):
            yield Alias(family, Part.LAST)
    yield from _of_given(first)
    yield from _of_middle(given, middle, full)
    if len(last) > 1:
        yield Alias("".join(last), Part.LAST)
        yield from (Alias(word, Part.LAST) for word in last if _is_middle(word))
    if given[0].isalpha() and full[0].isalpha():
        yield Alias(given[0] + full[0], Part.INITIALS)
        yield Alias(f"{given[0]} {full[0]}", Part.INITIALS)


def _of_pair(given: str, family: str, middle: list[tuple[str, ...]]) -> Iterator[Alias]:
    yield Alias(f"{given} {family}", Part.WHOLE)
    yield Alias(f"{family} {given}", Part.REVERSED)
    yield Alias(f"{given[0]} {family}", Part.INITIAL)
    yield Alias(f"{family} {given[0]}", Part.INITIAL)
    yield Alias(f"{given} {family[0]}", Part.SHORT)
    if middle:
        letters = " ".join(unit[0][0] for unit in middle)
        yield Alias(f"{given[0]} {letters} {family}", Part.INITIAL)
        yield Alias(f"{given} {letters} {family}", Part.WHOLE)
    one, other = given.replace(" ", ""), family.replace(" ", "")
    for joined in (one + other, other + one, one[0] + other):
        if len(joined) >= _SHORTEST_JOINED:
            yield Alias(joined, Part.HANDLE)


def _of_middle(given: str, middle: list[tuple[str, ...]], family: str) -> Iterator[Alias]:
    """Yield what a middle name adds: João Felipe Souza, João Felipe, João F., Felipe."""
    if not middle:
        return
    second = " ".join(middle[0])
    if _is_word(second):
        yield Alias(f"{given} {second}", Part.FIRST)
        yield Alias(f"{given} {second} {family[0]}", Part.SHORT)
        if not second.startswith(family[0]):
            yield Alias(f"{given} {second[0]}", Part.SHORT)
        yield Alias(f"{second} {family}", Part.WHOLE)
    yield from (Alias(w, Part.MIDDLE) for unit in middle for w in unit if _is_middle(w))


def _is_word(word: str) -> bool:
    """Whether one word of a name is enough to mean its person."""
    return len(word) >= _SHORTEST_WORD and word not in PARTICLES


def _is_middle(word: str) -> bool:
    return len(word) >= _SHORTEST_MIDDLE and word not in PARTICLES


# Chinese family names of two characters; all others have one.
_COMPOUND = _set(
    "欧阳 歐陽 司马 司馬 上官 诸葛 諸葛 东方 東方 皇甫 尉迟 尉遲 公孙 公孫 令狐 慕容 司徒 司空 夏侯 端木 南宫 南宮 "
    "独孤 獨孤 남궁 황보 제갈 사공 선우 독고"
)
HONORIFICS = re.compile(
    "[ ]?(?:先生|女士|小姐|太太|老师|老師|同学|同學|叔叔|阿姨|经理|經理|さん|様|さま|君|くん|ちゃん|氏|씨|님|선생님|양|군)"
)
"""What follows a family name where it stands alone in Chinese, Japanese and Korean."""

_FAMILIAR = ("小", "老", "阿")
_JAPANESE = 4


def _of_unspaced(units: list[tuple[str, ...]]) -> Iterator[Alias]:
    characters = [word for unit in units for word in unit]
    yield Alias(" ".join(characters[: 2 * _LONGEST]), Part.WHOLE)
    family, given = _split_unspaced(units, characters)
    if not family or not given:
        return
    yield Alias(" ".join((*family, "*")), Part.LAST)  # before any honorific
    if len(family) > 1:
        yield Alias(" ".join(family), Part.LAST)
    elif not is_hangul(family[0]):
        yield from (Alias(f"{one} {family[0]}", Part.NICK) for one in _FAMILIAR)
    if len(given) > 1:
        yield Alias(" ".join(given), Part.FIRST)


def _split_unspaced(
    units: list[tuple[str, ...]], characters: list[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return family and given name: the family stands first, of one character where it is said."""
    if len(units) > 1:
        return units[0], tuple(word for unit in units[1:] for word in unit)
    if not 1 < len(characters) <= _JAPANESE:
        return (), ()
    two = "".join(characters[:2]) in _COMPOUND or (
        len(characters) == _JAPANESE and not is_hangul(characters[0])
    )
    at = 2 if two and len(characters) > 2 else 1  # noqa: PLR2004 - a name of two is one and one
    return tuple(characters[:at]), tuple(characters[at:])


def is_hangul(character: str) -> bool:
    """Whether a character is a Korean syllable."""
    return ord(character) in _HANGUL


# What a part of a home is called; with its number alone it is nobody's address.
_UNITS = _set(
    "flat apt apartment unit suite studio room floor building block wohnung whg etage stock appt "
    "appartement appartamento int interno scala piano piso puerta apto apartamento bloco andar bus "
    "verdieping mieszkanie lokal no number nr num the box po"
)
_ABBREVIATED = {
    "st": "street", "rd": "road", "ave": "avenue", "av": "avenue", "blvd": "boulevard",
    "ln": "lane", "dr": "drive", "ct": "court", "pl": "place", "sq": "square", "str": "strasse",
    "ul": "ulica", "al": "aleja", "bd": "boulevard", "pza": "plaza", "c": "calle", "r": "rua",
}  # fmt: skip
_ADDRESS_LONGEST = 16
_ADDRESS_SHORTEST = 2
_STREET_SHORTEST = 4


def _of_address(text: str) -> Iterator[Alias]:
    """Yield an address whole and its street alone: what comes first and holds name and number."""
    street: list[str] = []
    for part in re.split(r"[,;\n]", text):
        street += words(part)
        if any(_DECIMALS.match(w) for w in street) and any(
            len(w) >= _STREET_SHORTEST and w.isalpha() and w not in _UNITS for w in street
        ):
            break
    for found in (words(text)[:_ADDRESS_LONGEST], street[:_ADDRESS_LONGEST]):
        if len(found) >= _ADDRESS_SHORTEST:
            yield Alias(" ".join(found), Part.ADDRESS)
            yield Alias(" ".join(_ABBREVIATED.get(word, word) for word in found), Part.ADDRESS)
            yield Alias(" ".join(_LONGER.get(word, word) for word in found), Part.ADDRESS)


_LONGER = {long: short for short, long in reversed(_ABBREVIATED.items())}


@cache
def nicknames() -> dict[str, tuple[str, ...]]:
    """Return short forms of given names, in one direction: a nickname implies nobody."""
    text = files("vault").joinpath("nicknames.txt").read_text("utf-8")
    found: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, *short = fold(line).split()
            key = name.replace("-", " ")
            found[key] = tuple(dict.fromkeys((*found.get(key, ()), *short)))
    return found
