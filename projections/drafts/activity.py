"""What she did, as she would tell it: one answer for what she did in one way on one day.

An item of type `activity.*` names in its title what was watched, read, cooked …; its text is a
comment or a rating as the source states it. Days are told by weekday and month alone.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from projections.drafts.asking import Voice, in_pieces
from projections.drafts.blocks import LONGEST, blocks, pieces
from projections.drafts.draft import Draft, Kind, Said, numbered
from projections.drafts.standard import standard
from projections.threads import Allowed, Thread
from vault.items import Item, Precision

__all__ = ["activities", "rated"]

_DID = {
    "watched": ("What did you watch{when}?", "Watched {what}"),
    "listened": ("What did you listen to{when}?", "Listened to {what}"),
    "read": ("What did you read{when}?", "Read {what}"),
    "visited": ("Where did you go{when}?", "Visited {what}"),
    "played": ("What did you play{when}?", "Played {what}"),
    "bought": ("What did you buy{when}?", "Bought {what}"),
    "cooked": ("What did you cook{when}?", "Cooked {what}"),
    "ate": ("What did you eat{when}?", "Ate {what}"),
    "drank": ("What did you drink{when}?", "Drank {what}"),
    "exercised": ("How did you exercise{when}?", "Exercised: {what}"),
    "searched": ("What did you search for{when}?", "Searched for {what}"),
    "browsed": ("What did you look at{when}?", "Looked at {what}"),
    "rated": ("What did you rate{when}?", "Rated {what}"),
    "attended": ("What did you attend{when}?", "Attended {what}"),
    "liked": ("What did you like{when}?", "Liked {what}"),
}
_NAMED = {
    "watch": "watched",
    "listen": "listened",
    "visit": "visited",
    "play": "played",
    "buy": "bought",
    "cook": "cooked",
    "eat": "ate",
    "drink": "drank",
    "exercise": "exercised",
    "search": "searched",
    "browse": "browsed",
    "rate": "rated",
    "rating": "rated",
    "attend": "attended",
    "like": "liked",
}
_OTHERWISE = ("What did you do{when}?", "{what}")

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_DAWN = timedelta(hours=5)  # what one does after midnight belongs to the evening before
_PARTS = ((7, "morning"), (12, "afternoon"), (17, "evening"), (24, "night"))  # hours from dawn on

_NUMBER = r"(?P<rating>\d{1,3}(?:[.,]\d{1,2})?)"
_RATING = re.compile(
    rf"(?:(?:rated|rating|score|note|bewertung|my rating)\s*:?\s*)?{_NUMBER}"
    r"(?:\s*(?:/|of|out\s+of|von|sur|de|su|van|na)\s*(?P<scale>3|4|5|6|10|20|100)(?![\d.,]*\d)"
    r"(?=(?P<apart>[ \t]\S)?)|\s*(?P<percent>%)|\s+(?:stars?|sterne?|étoiles?|estrellas?|stelle|estrelas|sterren)\b)?"
    r"(?P<rest>$|(?(apart)[ \t]|(?!))|[ \t]*[.,;:\u2013\u2014-][ \t]+\S|[ \t]*\n)",
    re.IGNORECASE,
)
_STARS = re.compile(r"(?P<full>★{1,10})(?P<half>½)?(?P<empty>☆{0,10})(?P<rest>$|\s)")
_BETWEEN = " \t\n.,;:\u2013\u2014-"
_LONGEST_TITLE = 200


def activities(thread: Thread) -> Iterator[Draft]:
    """Yield an example for what follows on each other in one way on one day."""
    for group in _groups(thread):
        learned = tuple(one for one, _ in group)
        told = "\n".join(words for _, words in group)
        voice = Voice.of(learned, "")
        asked, _ = _did(learned[0].item)
        prompt: Said = ("user", asked.format(when=_when(learned, voice)))
        parts = pieces(blocks(told))
        made = in_pieces((prompt,), parts, "Go on.")
        yield from numbered(((Kind.ACTIVITY, messages) for messages in made), learned)


def _groups(thread: Thread) -> Iterator[Sequence[tuple[Allowed, str]]]:
    group: list[tuple[Allowed, str]] = []
    size = 0
    for one in thread.items:
        words = _told(one.item) if one.item.sent else ""
        if not words:
            continue
        if group and (not _together(group[-1][0].item, one.item) or size + len(words) > LONGEST):
            yield group
            group, size = [], 0
        group.append((one, words))
        size += len(words) + 1
    if group:
        yield group


def _together(last: Item, item: Item) -> bool:
    day = _day(last)
    return last.type == item.type and day is not None and day == _day(item)


def _told(item: Item) -> str:
    """Return the sentence that tells what she did, with what she said of it behind."""
    what = " ".join(standard(item.title).split()).rstrip(". ")
    rating, comment = rated(standard(item.own_text))
    if not what or len(what) > _LONGEST_TITLE:
        return comment
    telling = _did(item)[1]
    verb = telling.partition("{")[0]
    told = telling.format(what=what[len(verb) :] if what.lower().startswith(verb.lower()) else what)
    told = f"{told}, {rating}." if rating else told if told[-1] in "!?" else f"{told}."
    told = told[0].upper() + told[1:]
    if not comment or comment == what:
        return told
    return f"{told}\n{comment}" if "\n" in comment else f"{told} {comment}"


def _did(item: Item) -> tuple[str, str]:
    name = item.type.split(".")[1] if "." in item.type else ""
    return _DID.get(_NAMED.get(name, name), _OTHERWISE)


def rated(text: str) -> tuple[str, str]:
    """Return a rating in one form, where a text begins with one, and the words behind it.

    A number alone is a rating; with words behind it only where a stop or a line end parts them.
    """
    if stars := _STARS.match(text):
        half = ".5" if stars["half"] else ""
        count = f"{len(stars['full'])}{half}"
        most = len(stars["full"]) + len(stars["empty"]) + bool(half)
        rating = f"rated {count} of {most}" if stars["empty"] else f"rated {count}"
        return rating, text[stars.start("rest") :].lstrip(_BETWEEN)
    found = _RATING.match(text)
    if found is None:
        return "", text
    scale = found["scale"] or ("100" if found["percent"] else "")
    if scale and float(found["rating"].replace(",", ".")) > int(scale):
        return "", text
    rating = f"rated {found['rating']} of {scale}" if scale else f"rated {found['rating']}"
    return rating, text[found.start("rest") :].lstrip(_BETWEEN)


def _local(item: Item) -> datetime | None:
    """Return the time where she was, if the source states when she did it."""
    if item.at is None or item.precision is Precision.FILE:
        return None
    return item.at + timedelta(minutes=item.offset or 0)


def _day(item: Item) -> date | None:
    at = _local(item)
    if at is None:
        return None
    return (at if item.precision is Precision.DAY else at - _DAWN).date()


def _when(learned: Sequence[Allowed], voice: Voice) -> str:
    """Say when, by the day and its part where they share it, or by the month."""
    day = _day(learned[0].item)
    if day is None:
        return ""
    parts = {_part(one.item) for one in learned}
    part = parts.pop() if len(parts) == 1 else ""
    return voice.chooses((f" on {_DAYS[day.weekday()]}{part}", f" in {_MONTHS[day.month - 1]}"))


def _part(item: Item) -> str:
    """Return the part of the day, where the source states the hour."""
    at = _local(item)
    if at is None or item.precision is Precision.DAY:
        return ""
    return next(f" {name}" for end, name in _PARTS if (at - _DAWN).hour < end)
