"""Statements for tests of consent in the pod."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st

from pod_sync.graph import Said
from pod_sync.opaque import Ciphers, words_of
from vault.consent import Effect, Filters, Pause, Profile, Purpose, Statement, normal

OWNER = "https://alice.example/profile/card#me"
NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
KEY = b"k" * 32


def statement(effect=Effect.ALLOW, **more):
    names = ("source", "conversation", "person", "since", "until")
    filters = Filters(**{name: more.pop(name) for name in names if name in more})
    usual = {"id": "a1", "type": "message.email", "purpose": Purpose.TRAIN}
    return Statement(effect=effect, filters=filters, **usual | more)


def saying(*words: Statement | Pause, withdrawn: Iterable[str] = ()) -> list[Said]:
    return [Said(words=one, at=NOW, withdrawn=one.id in withdrawn) for one in words]


def ciphers(words: Sequence[Statement | Pause] = (), key: bytes = KEY) -> Ciphers:
    return Ciphers(key, list(words_of(words)))


def as_read(words: Statement | Pause) -> Statement | Pause:
    """What reading finds of what was written: what has no effect is not said."""
    if isinstance(words, Pause):
        return replace(words, id="", person=normal(words.person))
    filters = replace(words.filters, person=normal(words.filters.person))
    return replace(
        words,
        id="",
        filters=filters,
        redact=words.redact if words.effect is Effect.ALLOW else Profile.BALANCED,
        recipient=words.recipient if words.purpose is Purpose.SHARE else "",
    )


_types = st.sampled_from(["message", "message.email", "message.email.received", "health", "post"])
_words = st.one_of(st.just(""), st.text(min_size=1, max_size=12))
_sources = st.one_of(st.just(""), st.sampled_from(["mbox", "whatsapp"]), st.text(max_size=8))
_people = st.one_of(st.just(""), st.emails(), st.text(max_size=12)).filter(
    lambda name: bool(normal(name)) == bool(name)
)
_zones = st.integers(-13 * 60, 13 * 60).map(lambda m: timezone(timedelta(minutes=m)))
_times = st.none() | st.datetimes(
    datetime(1900, 1, 1),  # noqa: DTZ001
    datetime(2999, 1, 1),  # noqa: DTZ001
    timezones=_zones,
)
_statements = st.builds(
    Statement,
    id=st.just(""),
    effect=st.sampled_from(Effect),
    type=_types,
    purpose=st.sampled_from(Purpose),
    filters=st.builds(
        Filters,
        source=_sources,
        conversation=_words,
        person=_people,
        since=_times,
        until=_times,
    ),
    redact=st.sampled_from(Profile),
    recipient=st.one_of(_words, st.sampled_from(["https://a.example/~x?y=1#z", "http://b/é"])),
    expires=_times,
)
_pauses = st.builds(
    Pause, id=st.just(""), type=st.just("") | _types, source=_sources, person=_people
)


@st.composite
def sayings(draw):
    """Statements and pauses with ids, each said at some time."""
    words = draw(st.lists(_statements | _pauses, max_size=6))
    ids = draw(
        st.lists(
            st.text(min_size=1, max_size=8) | st.uuids().map(lambda u: u.hex),
            min_size=len(words),
            max_size=len(words),
            unique=True,
        )
    )
    return [
        Said(words=replace(one, id=name), at=NOW, withdrawn=draw(st.booleans()))
        for one, name in zip(words, ids, strict=True)
    ]
