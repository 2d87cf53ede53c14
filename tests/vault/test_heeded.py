"""What another application asks for can only narrow: the law on which the pod's consent rests."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vault.test_consent import NOW, said, statements, subjects
from vault.consent import (
    Effect,
    Filters,
    Profile,
    Purpose,
    Statement,
    decide,
    heeded,
)

STRICTNESS = {profile: rank for rank, profile in enumerate(Profile)}
later = st.sampled_from([timedelta(0), timedelta(days=1), timedelta(days=2), timedelta(days=9)])
MAY = datetime(2026, 5, 1, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, tzinfo=UTC)


def allow(type_="message", **more):
    return Statement(id="a", effect=Effect.ALLOW, type=type_, purpose=Purpose.TRAIN, **more)


def deny(type_="message", **more):
    return replace(allow(type_, **more), id="d", effect=Effect.DENY)


@given(
    said, st.lists(statements, min_size=1, max_size=4), subjects, later, st.sampled_from(["", "r"])
)
def test_whatever_is_asked_nothing_is_permitted_that_was_not_before(
    said, asked, subject, later, recipient
):
    heard = list(said)
    for one in asked:
        if counts := heeded(heard, one, NOW):
            heard.append(counts)
    for purpose in (Purpose.TRAIN, Purpose.SHARE):
        before, after = (
            decide(every, subject, purpose, NOW + later, recipient=recipient)
            for every in (said, heard)
        )
        assert before.permitted or not after.permitted
        assert not after.permitted or STRICTNESS[after.redact] <= STRICTNESS[before.redact]


@pytest.mark.parametrize(
    ("said", "asked", "counts"),
    [
        ([allow()], deny(), deny()),
        ([], deny(expires=MAY), deny(expires=MAY)),
        ([allow()], deny(expires=MAY), deny()),
        ([deny(expires=JUNE)], deny(expires=MAY), None),
        ([deny(expires=MAY), allow()], deny(expires=JUNE), deny()),
        ([deny(expires=MAY)], deny(expires=JUNE), deny(expires=JUNE)),
        ([deny()], deny(expires=NOW), None),
        ([deny()], allow(), None),
        ([], allow(), None),
        ([allow(expires=JUNE)], allow(expires=MAY), allow(expires=MAY)),
        ([allow(expires=MAY)], allow(), None),
        ([allow()], allow(redact=Profile.STRICT), allow(redact=Profile.STRICT)),
        ([allow()], allow(redact=Profile.NONE), None),
        (
            [allow(redact=Profile.STRICT)],
            allow(redact=Profile.NONE, expires=MAY),
            allow(redact=Profile.STRICT, expires=MAY),
        ),
        ([allow()], allow("message.email"), allow("message.email")),
        (
            [allow(redact=Profile.NONE), allow("message.email", redact=Profile.STRICT)],
            allow("message.email", redact=Profile.NONE),
            None,
        ),
        ([allow()], allow("message.email.received"), None),
        ([allow("message.email")], allow(), None),
        ([allow()], allow(filters=Filters(since=MAY)), allow(filters=Filters(since=MAY))),
        ([allow(filters=Filters(since=MAY))], allow(), None),
        ([allow(filters=Filters(person="bob"))], allow(filters=Filters(person="eve")), None),
        (
            [allow(redact=Profile.NONE), allow("message.email", redact=Profile.STRICT)],
            allow("message.email", redact=Profile.STRICT, expires=MAY),
            None,
        ),
    ],
)
def test_of_what_is_asked_only_what_narrows_counts(said, asked, counts):
    assert heeded(said, asked, NOW) == counts
