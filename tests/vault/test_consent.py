"""The decision, over any statements and items: the table of cases is in `specs/consent.md`."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault.consent import (
    SENSITIVE,
    Effect,
    Filters,
    Profile,
    Purpose,
    Statement,
    Subject,
    check_type,
    decide,
    in_force,
    normal,
)
from vault.errors import UsageError

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TYPES = [
    "message", "message.email", "message.email.sent", "message.email.received",
    "document", "document.note", "health", "health.mental", "religion",
]  # fmt: skip
people = st.sampled_from(["", "bob", "eve"])
moments = st.sampled_from([None, NOW - timedelta(days=2), NOW, NOW + timedelta(days=2)])

filters = st.builds(
    Filters,
    source=st.sampled_from(["", "phone"]),
    conversation=st.sampled_from(["", "a", "b"]),
    person=people,
    since=moments,
    until=moments,
)
statements = st.builds(
    Statement,
    id=st.uuids().map(str),
    effect=st.sampled_from(Effect),
    type=st.sampled_from(TYPES),
    purpose=st.sampled_from([Purpose.TRAIN, Purpose.SHARE]),
    filters=filters,
    redact=st.sampled_from(Profile),
    recipient=st.sampled_from(["", "r"]),
    expires=moments,
)
said = st.lists(statements, max_size=8)
subjects = st.builds(
    Subject,
    type=st.sampled_from(
        ["message.email.sent", "message.email.received", "document.note", "health"]
    ),
    source=st.sampled_from(["phone", "mbox"]),
    conversation=st.sampled_from(["", "a", "b"]),
    author=st.sampled_from([frozenset(), frozenset({"bob"})]),
    people=st.sampled_from([frozenset({"bob"}), frozenset({"bob", "eve"})]),
    at=moments,
    labels=st.sampled_from([(), ("health",), ("health.mental", "religion")]),
)
purposes = st.sampled_from([Purpose.TRAIN, Purpose.SHARE])


@given(said, subjects, purposes)
def test_a_verdict_for_is_always_by_permissions_that_stand_and_name_every_type(
    said, subject, purpose
):
    decision = decide(said, subject, purpose, NOW, recipient="r")
    if not decision.permitted:
        return
    allowed = {s.type for s in said if s.effect is Effect.ALLOW and s.purpose is purpose}
    for name in (subject.type, *subject.labels):
        covering = {t for t in allowed if name == t or name.startswith(t + ".")}
        assert covering
        if name.endswith(".received"):
            assert any(t.endswith(".received") for t in covering)
        if name.split(".")[0] in SENSITIVE:
            assert any(t.split(".")[0] in SENSITIVE for t in covering)
    by = next(s for s in said if s.id == decision.statement)
    assert by.effect is Effect.ALLOW
    assert by.expires is None or by.expires > NOW


@given(said, subjects, purposes)
def test_one_more_prohibition_never_permits_and_a_plain_one_on_a_parent_always_denies(
    said, subject, purpose
):
    parent = subject.type.split(".")[0]
    deny = Statement(id="last", effect=Effect.DENY, type=parent, purpose=purpose)
    assert not decide([*said, deny], subject, purpose, NOW, recipient="r").permitted


@given(said, statements, subjects, purposes)
def test_a_new_prohibition_on_something_unsaid_takes_away_and_gives_nothing(
    said, extra, subject, purpose
):
    deny = replace(extra, effect=Effect.DENY)
    if any((s.type, s.purpose, s.filters) == (deny.type, deny.purpose, deny.filters) for s in said):
        return
    if decide([*said, deny], subject, purpose, NOW, recipient="r").permitted:
        assert decide(said, subject, purpose, NOW, recipient="r").permitted


@given(said, statements, subjects)
def test_what_is_said_of_another_purpose_changes_nothing(said, other, subject):
    other = replace(other, purpose=Purpose.MIRROR)
    assert decide([*said, other], subject, Purpose.TRAIN, NOW) == decide(
        said, subject, Purpose.TRAIN, NOW
    )


@given(said, subjects)
def test_what_was_replaced_or_repeated_changes_nothing(said, subject):
    once = decide(said, subject, Purpose.TRAIN, NOW)
    assert decide(in_force(said), subject, Purpose.TRAIN, NOW) == once
    assert decide([*said, *said], subject, Purpose.TRAIN, NOW).permitted is once.permitted


@given(st.lists(statements.map(lambda s: replace(s, effect=Effect.ALLOW)), max_size=6), subjects)
def test_time_alone_never_permits_where_nothing_was_forbidden(said, subject):
    later = NOW + timedelta(days=1)
    if decide(said, subject, Purpose.TRAIN, later).permitted:
        assert decide(said, subject, Purpose.TRAIN, NOW).permitted


@given(said, subjects, st.sampled_from(Profile))
def test_the_strictest_redaction_of_all_that_permit_holds(said, subject, profile):
    allow = [
        Statement(id="x", effect=Effect.ALLOW, type=t, purpose=Purpose.TRAIN, redact=profile)
        for t in (subject.type, *subject.labels)
    ]
    decision = decide([*said, *allow], subject, Purpose.TRAIN, NOW)
    if decision.permitted:
        order = list(Profile)
        assert order.index(decision.redact) <= order.index(profile)


@given(said, subjects, purposes)
def test_a_reason_never_repeats_a_filter(said, subject, purpose):
    reason = decide(said, subject, purpose, NOW, recipient="r").reason
    assert "bob" not in reason
    assert "eve" not in reason


@pytest.mark.parametrize("name", ["message", "message.chat.direct.sent", "activity.window-title"])
def test_a_data_type_is_dotted_words_under_a_known_root(name):
    assert check_type(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "mail", "message.", ".message", "message..sent", "Message", "message.Email", "message.é",
     "message sent", "message.-x", "message\n"],
)  # fmt: skip
def test_anything_else_is_no_data_type(name):
    with pytest.raises(UsageError):
        check_type(name)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("mailto:Bob@X.example", "bob@x.example"),
        ("name:Priya  Nair ", "priya nair"),
        ("tel:+44 (7700) 900-123", "447700900123"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("12 34", "12 34"),
    ],
)
def test_names_and_addresses_are_compared_in_one_form(text, form):
    assert normal(text) == form
