"""Facts in one item: what could be asked of it, and what would be right.

Found by form and by metadata alone; no model and nothing remote reads a word. A fact is taken
only where the item names one of its kind, so that there is one right answer.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from projections.drafts.language import language_of
from projections.timeline import Stored
from trainer.evaluate.facts.values import MONTHS, dates, plain, words
from trainer.evaluate.facts.wordings import DID, LANGUAGES, day
from vault.items import Item, Precision

__all__ = ["Fact", "Kind", "evidence", "facts", "language"]


class Kind(StrEnum):
    """What is asked for."""

    WHO = "who"
    WHEN = "when"
    WHERE = "where"
    WHAT = "what"
    HOW_MANY = "how many"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that an item says: `pattern` names the sentence that asks for it.

    `title` names the item in that sentence and `slot` what of it is meant; either may be empty.
    """

    kind: Kind
    pattern: str
    gold: str
    title: str = ""
    slot: str = ""


_READ = 20_000
_SHOWN = 4_000
_LONGEST_GOLD = 60
_LEAST_QUOTED, _MOST_QUOTED = 4, 9
_REPLY = re.compile(r"^(?:(?:re|fwd?|aw|wg|tr|rv)\s*:\s*)+", re.IGNORECASE)
_LINE = re.compile(
    r"^[ \t]*(?:[-*+]|\d{1,3}[.)])?[ \t]*(?:\[[ xX]\][ \t]*)?"
    r"(?P<key>[^\W\d_][^\n:=|“”\"`*\[\]]{1,40}?)[ \t]*:[ \t]+(?P<value>[^\s|][^\n|]{1,120})$",
    re.MULTILINE,
)
_MARKS = re.compile(r"[*_`~]+|\[\[(?:[^\]|]*\|)?|\]\]")
_NUMBER = (
    r"(?P<n>\d{1,4}|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen"
    r"|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty(?:-\w+)?)"
)
_COUNTED = {
    "en": re.compile(rf"(?<![\w£$€.,:/-]){_NUMBER} (?P<noun>(?:[a-z]{{3,}} )?[a-z]{{3,}}s)\b"),
    "de": re.compile(
        r"(?<![\w€.,:/-])(?P<n>\d{1,4}|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|zwölf) (?P<noun>[A-ZÄÖÜ][a-zäöüß]{2,})\b"
    ),
}
_OTHER = "pounds euros euro dollars quid uhr was has does this its less says hundred thousand"
_NO_COUNT = frozenset([*_OTHER.split(), *(name[:3] for name in MONTHS["en"])])
_SPELLED = re.compile(r"\d.*[^\W\d_]{3}.*")
_MONEY = re.compile(
    r"[£€$] ?\d[\d.,]*\d|[£€$] ?\d|\b\d[\d.,]*(?: ?€| (?:euros?|pounds|dollars|quid)\b)",
    re.IGNORECASE,
)
_NAME = r"(?P<name>[^\W\d_a-z][\w'-]+(?: [^\W\d_a-z][\w'-]+)?)"
_PLACE = r"(?P<gold>[^\W\d_a-z][\w'-]+(?: [^\W\d_a-z][\w'-]+){0,2})"
_SAID = (
    (Kind.WHERE, "lives", "en", re.compile(rf"\b{_NAME} lives (?:in|at|on) (?:the )?{_PLACE}")),
    (Kind.WHERE, "lives", "de", re.compile(rf"\b{_NAME} wohnt (?:jetzt )?in (?:der )?{_PLACE}")),
    (Kind.WHERE, "lives", "fr", re.compile(rf"\b{_NAME} habite (?:à|a|au|aux|en) {_PLACE}")),
    (Kind.WHERE, "lives", "es", re.compile(rf"\b{_NAME} vive en {_PLACE}")),
    (
        Kind.WHAT,
        "works",
        "en",
        re.compile(
            rf"\b{_NAME} works as an? (?P<gold>[a-z]+(?: [a-z]+)??)(?= (?:in|at|for|since|now|and|but)\b|[.,;!\n]|$)"
        ),
    ),
    (Kind.WHAT, "allergic", "en", re.compile(rf"\b{_NAME} is allergic to (?P<gold>[a-z]+)")),
    (
        Kind.WHEN,
        "birthday",
        "en",
        re.compile(
            rf"\b{_NAME}['\u2019]s birthday is (?:on )?(?:the )?(?P<gold>\d{{1,2}}(?:st|nd|rd|th)? (?:of )?[A-Z][a-z]+)"
        ),
    ),
)


def language(item: Item) -> str:
    """Return the language that an item is asked in; English where there are no sentences."""
    found = language_of(item.language, item.own_text)
    return found if found in LANGUAGES else "en"


def bare(title: str) -> str:
    """Return a title without `Re:` and its like."""
    return _REPLY.sub("", " ".join(title.split()))


def evidence(item: Item) -> str:
    """Return what an item says, with who, when and where, for the judge to hold answers against."""
    people = ", ".join(agent.name or agent.id.partition(":")[2] for agent in item.people)
    at = day("en", local(item)) if item.at else ""
    files = ", ".join(one.name for one in item.attachments)
    said = (bare(item.title), people, at, files, _MARKS.sub("", item.own_text[:_SHOWN]))
    return "; ".join(filter(None, said))


def facts(stored: Stored) -> list[Fact]:
    """Return what could be asked of an item."""
    item, told = stored.item, language(stored.item)
    found = [*_of_letter(item, told), *_of_deed(item), *_said(item, told)]
    if _named(item):
        found += _of_text(item, told)
    return [fact for fact in found if _fair(fact)]


def _named(item: Item) -> str:
    """Return what names an item in a question: its title, or the day of a journal."""
    if item.type.startswith("document.journal"):
        return local(item).date().isoformat() if item.at else ""
    return bare(item.title)


def _fair(fact: Fact) -> bool:
    """Whether a fact is short and its question does not give it away."""
    asked = set(words(plain(f"{fact.title} {fact.slot}")))
    gold = words(plain(fact.gold))
    return 0 < len(fact.gold) <= _LONGEST_GOLD and bool(gold) and not asked.issuperset(gold)


def local(item: Item) -> datetime:
    """Return when an item was, by the clock of where it was written."""
    assert item.at is not None
    return item.at + timedelta(minutes=item.offset or 0)


def _of_letter(item: Item, told: str) -> Iterator[Fact]:
    """Yield who and when: facts that the source states."""
    mail, chat = item.type.startswith("message.email"), item.type.startswith("message.chat")
    author, title = item.author.name if item.author else "", bare(item.title)
    dated = item.at and item.precision is not Precision.FILE
    whole = mail or item.type.startswith(("document.note", "post"))
    if title and dated and whole:
        pattern = "wrote" if item.sent else "received"
        yield Fact(kind=Kind.WHEN, pattern=pattern, gold=day(told, local(item)), title=title)
    if mail and title and not item.sent and author:
        yield Fact(kind=Kind.WHO, pattern="sender", gold=author, title=title)
    if mail and title and item.sent and len(item.to) == 1:
        yield Fact(kind=Kind.WHO, pattern="recipient", gold=item.to[0].name, title=title)
    begun = " ".join(item.own_text.split()[:_MOST_QUOTED]).strip(" .,;:?!…")
    if chat and not item.sent and len(words(begun)) >= _LEAST_QUOTED:
        yield Fact(kind=Kind.WHO, pattern="quoted", gold=author, slot=_MARKS.sub("", begun))
    if title and len(item.attachments) == 1:
        yield Fact(kind=Kind.WHAT, pattern="file", gold=item.attachments[0].name, title=title)


def _of_deed(item: Item) -> Iterator[Fact]:
    """Yield when something was done that the title of an item names."""
    root, _, verb = item.type.partition(".")
    if root == "activity" and verb in DID and item.at and item.precision is not Precision.FILE:
        when = day("en", local(item))
        yield Fact(kind=Kind.WHEN, pattern="did", gold=when, title=item.title, slot=DID[verb])


def _said(item: Item, told: str) -> Iterator[Fact]:
    """Yield what a sentence says of somebody."""
    for kind, pattern, spoken, form in _SAID:
        for match in form.finditer(item.own_text[:_READ]) if spoken == told else ():
            yield Fact(kind=kind, pattern=pattern, gold=match["gold"], slot=match["name"])


def _of_text(item: Item, told: str) -> Iterator[Fact]:
    """Yield what stands in a text by its form: `key: value`, a counted thing, money, a date."""
    title, text = _named(item), _MARKS.sub("", item.own_text[:_READ])
    for key, value in _once((m["key"].strip(), m["value"].strip()) for m in _LINE.finditer(text)):
        if len(words(key)) <= _LEAST_QUOTED:
            yield Fact(kind=Kind.WHAT, pattern="key", gold=value, title=title, slot=key)
    counted = _COUNTED[told].finditer(text) if told in _COUNTED else ()
    for noun, number in _once((m["noun"], m["n"]) for m in counted):
        if not _NO_COUNT & set(noun.casefold().split()):
            yield Fact(kind=Kind.HOW_MANY, pattern="count", gold=number, title=title, slot=noun)
    sums = _MONEY.findall(text)
    if len(sums) == 1:
        yield Fact(kind=Kind.HOW_MANY, pattern="amount", gold=sums[0], title=title)
    read = plain(text)
    told_days = [(ways[0], read[slice(*span)].strip(" .,")) for ways, span in dates(read)]
    whole = [(one, written) for one, written in told_days if one.day and one.months]
    # "mar 24" may be a day or a year, and "1.5" is anything.
    if len(whole) == 1 and (whole[0][0].year or _SPELLED.fullmatch(whole[0][1])):
        yield Fact(kind=Kind.WHEN, pattern="date", gold=whole[0][1], title=title)


def _once(found: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield what was found once under its name."""
    named: dict[str, list[str]] = {}
    for name, value in found:
        named.setdefault(name, []).append(value)
    return ((name, values[0]) for name, values in named.items() if len(values) == 1)
