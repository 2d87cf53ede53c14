"""What an edit of a consent document asks for, beside what the vault wrote there and holds now.

Nobody can sign in the vault's name and the host is not trusted, so three things are compared:
what the document says, what the vault had written into that very document (it bears a mark that
only the vault can make), and what is in force. What narrows counts at once, the rest waits for
the owner: `vault.consent.heeded` draws the line, here as in the log.
"""

import hmac
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from pod_sync.graph import EVERYTHING, Document
from vault.consent import (
    Effect,
    Pause,
    Profile,
    Purpose,
    Statement,
    heeded,
    normal,
    same_wish,
    same_words,
)

__all__ = ["Changes", "State", "compare", "fitting", "live", "marked", "unheard", "written"]

_VERSION: Final = b"http://purl.org/dc/terms/hasVersion"
_MARK: Final = re.compile(rb"twinvault:1:([0-9A-Za-z._,-]{0,131072}):([0-9a-f]{64})")
_PAUSE: Final = "pause."
"""What stands before the ids of pauses in a mark: an ended one is known to nobody any more."""
_MOST_WAITING: Final = 1000
"""What waits beyond is not put on the record: an inbox that nobody can read is no use."""
_MOST_HELD: Final = 2000
"""Where a document holds so many words, edits add no others to it."""
_MOST_WRITTEN: Final = 3000
"""So many words a document holds at most: what the vault writes it must be able to read."""
_MOST_SAID: Final = 20_000
"""Nor is anything more, once so much was said: whoever writes so much wants to fill the disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What the vault holds: everything ever said, in order, and the pauses that stand.

    `waiting` is what other applications asked for and the owner has not answered.
    """

    said: Sequence[Statement]
    pauses: Sequence[Pause]
    waiting: Sequence[Statement]
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What an edit asks for, in the order in which it is to be put on the record.

    Of `asked`, `tightened` are the words that count at once and `loosened` those that wait; some
    are both. `paused` stand at once. `unpaused` pauses were taken out, and stand nevertheless:
    only the owner ends a pause. `flooded` says how many of all were left aside as too many.
    """

    asked: tuple[Statement, ...] = ()
    tightened: tuple[Statement, ...] = ()
    loosened: tuple[Statement, ...] = ()
    paused: tuple[Pause, ...] = ()
    unpaused: tuple[Pause, ...] = ()
    flooded: int = 0


# The mark.


def marked(content: bytes, data_type: str, said: Iterable[Statement | Pause], key: bytes) -> bytes:
    """Return a document of the vault's with its mark: which statements and pauses it holds.

    Args:
        content: Turtle.
        data_type: What it is about.
        said: All that is written in it.
        key: At least 16 bytes, the same for all devices of the vault.
    """
    ids = (_PAUSE * isinstance(one, Pause) + one.id for one in said)
    listed = ",".join(sorted(ids)).encode()
    mark = b"twinvault:1:%b:%b" % (listed, _digest(data_type, listed, key))
    return content + b'\n<> <%b> "%b" .\n' % (_VERSION, mark)


def written(content: bytes, data_type: str, key: bytes) -> frozenset[str] | None:
    """Return the ids of what the vault had written into a document, `pause.` before those of pauses.

    The mark stays where an application writes the document anew in another form.

    Returns:
        None where there is no mark of this vault.
    """
    for found in _MARK.finditer(content):
        if hmac.compare_digest(found[2], _digest(data_type, found[1], key)):
            return frozenset(found[1].decode().split(",")) - {""}
    return None


def _digest(data_type: str, listed: bytes, key: bytes) -> bytes:
    message = b"twinvault/consent-document\n%b\n%b" % (data_type.encode(), listed)
    return hmac.digest(key, message, "sha256").hex().encode()


# The comparison.


def live(said: Iterable[Statement], now: datetime) -> tuple[Statement, ...]:
    """Return the statements in force, as documents hold them: one for every recipient.

    Args:
        said: Everything ever said, in order.
        now: When they are to be in force.
    """
    latest: dict[tuple[object, ...], Statement] = {}
    for one in said:
        words = (one.type, one.purpose, one.filters)
        if one.effect is Effect.DENY and not one.recipient:
            for key in [key for key in latest if key[:-1] == words]:
                del latest[key]
        latest.pop((*words, one.recipient), None)
        latest[*words, one.recipient] = one
    return tuple(s for s in latest.values() if s.expires is None or now < s.expires)


def fitting(said: Sequence[Statement | Pause]) -> list[Statement | Pause]:
    """Return what a document holds of all that is in force about its type.

    Where that is too much permissions are left out first, then what forbids: whoever reads the
    document takes less for permitted than is, never more.
    """
    if len(said) <= _MOST_WRITTEN:
        return list(said)
    denies = [one for one in said if not _allows(one)]
    allows = [one for one in said if _allows(one)]
    return [*denies[:_MOST_WRITTEN], *allows[: max(0, _MOST_WRITTEN - len(denies))]]


def _allows(one: Statement | Pause) -> bool:
    return isinstance(one, Statement) and one.effect is Effect.ALLOW


def unheard(before: frozenset[str] | None, said: Iterable[Statement]) -> frozenset[str]:
    """Return the statements that another device wrote into a document and this one has not got."""
    ids = {one for one in before or () if not one.startswith(_PAUSE)}
    return frozenset(ids - {one.id for one in said})


def compare(
    document: Document,
    before: frozenset[str] | None,
    state: State,
    new_id: Callable[[], str],
) -> Changes:
    """Return what a document asks for that is not in force.

    Args:
        document: As it was read.
        before: The ids of what the vault had written into it; None where nobody can tell: then
            all that it would hold now is taken for it, and what is missing was taken out.
        state: What the vault holds.
        new_id: Makes the id of a statement.
    """
    about = "" if document.type == EVERYTHING else document.type
    in_force = [s for s in live(state.said, state.now) if s.type == about]
    paused = [pause for pause in state.pauses if pause.type == about]
    held = [_plain(one) for one in in_force]
    if before is None:
        shown = fitting([*in_force, *paused])
        base = [_plain(one) for one in shown if isinstance(one, Statement)]
    else:
        base = [_plain(one) for one in state.said if one.id in before]
    elsewhere = unheard(before, state.said)
    found = [
        _plain(rule.words)
        for rule in document.rules
        if isinstance(rule.words, Statement) and rule.name not in elsewhere
    ]
    says = {_words(s) for s in found}
    left = [s for s in base if _words(s) not in says and s.id not in document.unknown]
    ours = {_words(s) for s in (*base, *held)}
    added = [s for s in found if _words(s) not in ours]
    asking = _Asking(state, new_id, held, room=_MOST_HELD - len(held) - len(paused))
    # Permissions first: what takes the place of a wider one must be covered by it still.
    for one in sorted(added, key=lambda s: (s.effect, repr(_words(s)))):
        asking.ask(one)
    for one in left:
        now_held = any(_words(one) == _words(other) for other in held)
        if now_held and not any(same_words(one, other) for other in added):
            asking.end(one, narrowed=any(_narrows(other, one, state.now) for other in added))
    pauses, unpaused = _pauses(document, before, state.pauses)
    room = max(0, asking.room)
    return Changes(
        asked=tuple(asking.asked),
        tightened=tuple(asking.tightened),
        loosened=tuple(asking.loosened),
        paused=pauses[:room],
        unpaused=unpaused,
        flooded=asking.flooded + len(pauses[room:]),
    )


def _plain(one: Statement) -> Statement:
    """Return a statement without what says nothing, so that the same words are the same."""
    return replace(
        one,
        filters=replace(one.filters, person=normal(one.filters.person)),
        redact=Profile.BALANCED if one.effect is Effect.DENY else one.redact,
        recipient=one.recipient if one.purpose is Purpose.SHARE else "",
    )


def _words(one: Statement) -> Statement:
    return replace(one, id="")


def _narrows(one: Statement, other: Statement, now: datetime) -> bool:
    """Whether a permission is covered by another one."""
    same_use = one.effect is other.effect is Effect.ALLOW and one.purpose is other.purpose
    return same_use and heeded([other], one, now) is not None


def _pauses(
    document: Document, before: frozenset[str] | None, standing: Sequence[Pause]
) -> tuple[tuple[Pause, ...], tuple[Pause, ...]]:
    """Return the pauses that a document adds, and those that were taken out of it."""
    about = "" if document.type == EVERYTHING else document.type
    stand = {(p.type, p.source, p.person): p for p in standing}
    ended = {_PAUSE + rule.name for rule in document.rules} & (before or frozenset())
    ended -= {_PAUSE + pause.id for pause in standing}
    asked = {
        (rule.words.type, rule.words.source, normal(rule.words.person))
        for rule in document.rules
        if isinstance(rule.words, Pause) and _PAUSE + rule.name not in ended
    }
    added = (Pause(id="", type=t, source=s, person=p) for t, s, p in sorted(asked - stand.keys()))
    gone = (
        pause
        for words, pause in stand.items()
        if words not in asked
        and pause.type == about
        and (before is None or _PAUSE + pause.id in before)
        and pause.id not in document.unknown
    )
    return tuple(added), tuple(gone)


class _Asking:
    """Statements that are asked for one after the other, and what of each counts.

    There is `room` in the document for so many that take no other's place.
    """

    def __init__(
        self, state: State, new_id: Callable[[], str], held: Iterable[Statement], *, room: int
    ) -> None:
        self.room = room
        self._held = {_place(one) for one in held}
        self._said = list(state.said)
        self._waiting = list(state.waiting)
        self._now = state.now
        self._new_id = new_id
        self.asked: list[Statement] = []
        self.tightened: list[Statement] = []
        self.loosened: list[Statement] = []
        self.flooded = 0

    def ask(self, one: Statement) -> None:
        """Ask for something, unless nothing of it would count and it waits already."""
        asked = replace(one, id=self._new_id())
        counts = heeded(self._said, asked, self._now)
        if counts is None and (_is_void(asked) or self._waits(asked)):
            return
        full = len(self._said) >= _MOST_SAID or len(self._waiting) >= _MOST_WAITING
        adds = counts is not None and _place(counts) not in self._held
        if full or (adds and self.room <= 0):
            self.flooded += 1
            return
        self.asked.append(asked)
        if counts is not None:
            self.room -= adds
            self._held.add(_place(counts))
            self._said.append(counts)
            self.tightened.append(counts)
        if counts != asked:
            self._waiting.append(asked)
            self.loosened.append(asked)

    def end(self, one: Statement, *, narrowed: bool) -> None:
        """Ask for the end of something: a permission that narrower ones replace, or is withdrawn."""
        ended = replace(one, id="", expires=self._now)
        withdrawn = replace(one, effect=Effect.DENY, redact=Profile.BALANCED, expires=None)
        if one.effect is Effect.ALLOW and not (narrowed and heeded(self._said, ended, self._now)):
            self.ask(withdrawn)
        else:
            self.ask(ended)

    def _waits(self, asked: Statement) -> bool:
        return any(same_wish(one, asked, self._now) for one in self._waiting)


def _place(one: Statement) -> tuple[object, ...]:
    """Return what a later statement has in common with the one whose place it takes."""
    return (one.type, one.purpose, one.filters, one.recipient)


def _is_void(asked: Statement) -> bool:
    """Whether a permission could permit nothing whatever the owner says."""
    since, until = asked.filters.since, asked.filters.until
    nobody = asked.purpose is Purpose.SHARE and not asked.recipient
    return asked.effect is Effect.ALLOW and (
        nobody or (since is not None and until is not None and since >= until)
    )
