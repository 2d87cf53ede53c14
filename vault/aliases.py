"""Names and addresses under a key, so that redaction can know people without storing them.

A person is found in a text by the keyed digests of her aliases alone. Someone whose words
were erased therefore stays masked: the log keeps digests, which say nothing without the
vault's key. Everything here is pure; the key comes in.
"""

import hmac
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from vault.consent import normal

__all__ = [
    "ASCII_WORD",
    "WORD",
    "Alias",
    "Aliases",
    "Part",
    "fold",
    "fold_character",
    "forms",
    "phone",
    "words",
]


class Part(StrEnum):
    """What an alias is of its person; decides what replaces it."""

    IDENTITY = "identity"  # never in a text: whoever shares it is the same person
    START = "start"  # never replaced: the first word of an alias of several words
    WHOLE = "whole"  # Priya Nair
    REVERSED = "reversed"  # Nair, Priya
    INITIAL = "initial"  # P. Nair
    SHORT = "short"  # Priya N.
    HANDLE = "handle"  # priya_n, PriyaNair
    MAIL = "mail"
    PHONE = "phone"
    FIRST = "first"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class Alias:
    """One way to write a person, folded: words with one space, an address, or digits."""

    text: str
    part: Part


class Aliases:
    """Keyed digests of aliases and tokens of persons."""

    def __init__(self, key: bytes) -> None:
        self._alias = hmac.digest(key, b"twinvault alias", "sha256")
        self._identity = hmac.digest(key, b"twinvault identity", "sha256")
        self._person = hmac.digest(key, b"twinvault person", "sha256")

    def digest(self, alias: str) -> bytes:
        """Return the 16 bytes under which an alias is found, however it is spelled."""
        if "@" in alias.strip("@"):
            return self.folded(fold(alias).lower().strip())
        digits = phone(alias)
        return self.folded(digits or " ".join(words(alias)))

    def folded(self, text: str) -> bytes:
        """Return the digest of an alias that is folded already."""
        return hmac.digest(self._alias, text.encode("utf-8", "surrogatepass"), "sha256")[:16]

    def start(self, word: str) -> bytes:
        """Return the digest that says: an alias of several words may begin here."""
        return self.folded(word + " ")

    def identity(self, form: str) -> bytes:
        """Return the digest of a whole name or address, as `vault.consent.normal` writes it."""
        text = fold(normal(form)).lower().encode("utf-8", "surrogatepass")
        return hmac.digest(self._identity, text, "sha256")[:16]

    def person(self, canonical: str) -> bytes:
        """Return the 8-byte token of a person known by a canonical form."""
        text = canonical.encode("utf-8", "surrogatepass")
        return hmac.digest(self._person, text, "sha256")[:8]


# Letters of other scripts that look like Latin ones, and letters without a decomposition.
_LOOKALIKES = str.maketrans(
    "аеорсухіјѕһԁոАВЕКМНОРСТХЅІЈαονιΑΒΕΖΗΙΚΜΝΟΡΤΥΧıℓłŁøØđĐ",
    "aeopcyxijshdnABEKMHOPCTXSIJaoviABEZHIKMNOPTYXillLoOdD",
)
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
    return plain.translate(_LOOKALIKES) or character


def fold(text: str) -> str:
    """Return a text as it is compared, letter case kept."""
    if text.isascii():
        return text
    return "".join(map(fold_character, unicodedata.normalize("NFC", text)))


# Scripts without spaces between words: there every character is a word of its own.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff"
WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")
ASCII_WORD = re.compile(r"[a-z0-9]+")


def words(text: str) -> list[str]:
    """Return the words of a name, folded and in lower case."""
    return WORD.findall(fold(text).lower())


_PHONE = re.compile(r"\+?[\d(][\d ()./-]{5,24}")
_PHONE_DIGITS = range(7, 16)
_PHONE_TAIL = 9


def phone(text: str) -> str:
    """Return what a telephone number is compared by: its last nine digits; or nothing.

    The digits before them differ between the national and the international spelling.
    """
    text = text.strip()
    if not _PHONE.fullmatch(text):
        return ""
    digits = "".join(c for c in text if c.isdecimal())
    return digits[-_PHONE_TAIL:] if len(digits) in _PHONE_DIGITS else ""


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TITLES = _set("mr mrs ms miss mx dr prof professor sir dame rev")
# What one calls one's own family says nothing about who they are.
_KIN = _set(
    "mum mom mummy mommy dad daddy mama papa ma pa granny gran grandma grandpa grandad nan nana "
    "sis bro sister brother auntie aunt aunty uncle cousin mutti vati mami papi oma opa"
)
_PARTICLES = _set("van von de der den di da du la le el al bin ben ter zu")
_ORGANISATION = _set(
    "team support service services newsletter news noreply info inc ltd llc gmbh co company corp "
    "group club bank shop store office customer care help desk admin notifications billing sales "
    "society association university school college council department centre center hotel "
    "airlines library clinic surgery hospital institute foundation committee the and"
)
_LONGEST = 4
_SHORTEST_WORD = 2
_SHORTEST_JOINED = 6


def forms(text: str) -> Iterator[Alias]:
    """Yield every alias of an agent's id or name.

    Args:
        text: A name or an address, with or without its scheme.
    """
    scheme, colon, rest = text.partition(":")
    if colon and scheme in {"mailto", "tel", "name", "acct"}:
        text = rest
    text = text.strip()
    if "@" in text.strip("@"):
        yield Alias(fold(text).lower(), Part.MAIL)
    elif digits := phone(text):
        yield Alias(digits, Part.PHONE)
    elif text.startswith("@") or scheme == "acct":
        yield Alias(" ".join(words(text)[:_LONGEST]), Part.HANDLE)
    else:
        yield from _of_name(text)


def _of_name(text: str) -> Iterator[Alias]:
    if text.count(",") == 1:
        last, _, first = text.partition(",")
        text = f"{first} {last}"
    parts = [word for word in words(text) if word not in _TITLES | _KIN and not word.isdecimal()]
    if len(parts) == 1:
        if len(parts[0]) >= _SHORTEST_WORD or not parts[0].isascii():
            yield Alias(parts[0], Part.FIRST)
            yield from (Alias(nick, Part.FIRST) for nick in NICKNAMES.get(parts[0], ()))
    elif parts:
        yield Alias(" ".join(parts[:_LONGEST]), Part.WHOLE)
        unspaced = len(parts[0]) == 1 and not parts[0].isascii()
        if not unspaced and not _ORGANISATION.intersection(parts):
            yield from _of_person(parts)


def _of_person(parts: list[str]) -> Iterator[Alias]:
    first, last = parts[0], parts[-1]
    yield Alias(f"{first} {last}", Part.WHOLE)
    yield Alias(f"{last} {first}", Part.REVERSED)
    yield Alias(f"{first[0]} {last}", Part.INITIAL)
    yield Alias(f"{first} {last[0]}", Part.SHORT)
    if len(first + last) >= _SHORTEST_JOINED:
        yield Alias(first + last, Part.HANDLE)
    for nick in NICKNAMES.get(first, ()):
        yield Alias(nick, Part.FIRST)
        yield Alias(f"{nick} {last}", Part.WHOLE)
    if _is_word(first):
        yield Alias(first, Part.FIRST)
        if len(parts) > 2 and _is_word(parts[1]):  # noqa: PLR2004 - João Felipe Souza
            yield Alias(f"{first} {parts[1]}", Part.FIRST)
    if _is_word(last):
        yield Alias(last, Part.LAST)


def _is_word(word: str) -> bool:
    """Whether one word of a name is enough to mean its person."""
    return len(word) >= _SHORTEST_WORD and word not in _PARTICLES


_NICKNAMES = """
abigail abby|alexander alex sasha|alexandra alex lexi sasha|aleksandra ola|amanda mandy|andrew andy drew
angela angie|anthony tony|barbara barb|benjamin ben benny|bartholomew bart|catherine kate cathy cath
charles charlie chuck|charlotte lottie|christina chris tina|christopher chris kit|cynthia cindy
daniel dan danny|david dave davey|deborah deb debbie|donald don|edward ed eddie ted|eleanor ellie nell
elizabeth liz beth lizzie eliza betty|emily em|frances fran|francis frank|francisco paco|frederick fred
gabriella gabby|gerald gerry|gregory greg|harriet hattie|henry harry hal|isabella bella izzy|jacob jake
jacqueline jackie|james jim jimmy jamie|jennifer jen jenny|jessica jess jessie|johannes hans|john jack johnny
jonathan jon jonny|jose pepe|joseph joe joey|joshua josh|josephine jo josie|katarzyna kasia|katherine kate katie kathy kat
kenneth ken kenny|kimberly kim|lawrence larry|leonard leo len|magdalena magda lena|malgorzata gosia|margaret maggie meg peggy
matthew matt|melanie mel|melissa mel|michael mike mikey mick|natalie nat|nathaniel nate nathan|nicholas nick nicky
oliver ollie|olivia liv livvy|pamela pam|patricia pat tricia trish|patrick pat paddy|peter pete|philip phil
phillip phil|rachel rach|raymond ray|rebecca becky becca|richard rick dick rich richie|robert bob rob bobby robbie
ronald ron|samantha sam|samuel sam sammy|sandra sandy|stephanie steph|stephen steve|steven steve|susan sue susie
theodore theo ted|theresa terry tess|thomas tom tommy|timothy tim|valerie val|veronica ronnie|victoria vicky tori
vincent vince vinny|william will bill billy liam|zachary zach zack
"""
NICKNAMES = {
    name: tuple(short)
    for line in _NICKNAMES.strip().replace("\n", "|").split("|")
    for name, *short in [line.split()]
}
"""Common English short forms of given names, in one direction: a nickname implies nobody."""
