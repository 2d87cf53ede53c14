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
    Pause,
    Profile,
    Purpose,
    Statement,
    Subject,
    check_type,
    decide,
    in_force,
    is_paused,
    normal,
)
from vault.errors import UsageError
from vault.items import Agent, Item

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
pauses = st.builds(
    Pause,
    id=st.uuids().map(str),
    type=st.sampled_from(["", *TYPES]),
    source=st.sampled_from(["", "phone"]),
    person=people,
)


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


@given(said, subjects, purposes, st.lists(pauses, max_size=2))
def test_a_reason_never_repeats_a_filter(said, subject, purpose, standing):
    reason = decide(said, subject, purpose, NOW, recipient="r", pauses=standing).reason
    for word in ("bob", "eve", "phone"):
        assert word not in reason


@given(said, subjects, st.sampled_from(Purpose), st.lists(pauses, min_size=1, max_size=3))
def test_what_is_paused_is_never_permitted_except_to_be_collected(said, subject, purpose, standing):
    everything = [replace(s, purpose=p) for s in said for p in Purpose]
    free = decide(everything, subject, purpose, NOW, recipient="r")
    held = decide(everything, subject, purpose, NOW, recipient="r", pauses=standing)
    by = [pause.id for pause in standing if is_paused(pause, subject)]
    if purpose is Purpose.COLLECT or not by:
        assert held == free
    else:
        assert not held.permitted
        assert held.statement == by[0]
        assert "paused" in held.reason


@given(subjects)
def test_a_pause_covers_what_a_prohibition_with_its_words_covers(subject):
    for type_ in ("", *TYPES):
        for source in ("", "phone"):
            for person in ("", "bob", "eve"):
                pause = Pause(id="p", type=type_, source=source, person=person)
                words = Filters(source=source, person=person)
                denied = [
                    Statement(id="d", effect=Effect.DENY, type=t, purpose=Purpose.TRAIN, filters=words)
                    for t in ([type_] if type_ else [subject.type])
                ]  # fmt: skip
                by = decide(denied, subject, Purpose.TRAIN, NOW).statement
                assert is_paused(pause, subject) is (by == "d")


@pytest.mark.parametrize("name", ["message", "message.chat.direct.sent", "activity.window-title"])
def test_a_data_type_is_dotted_words_under_a_known_root(name):
    assert check_type(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "mail", "message.", ".message", "message..sent", "Message", "message.Email", "message.é",
     "message sent", "message.-x", "message\n"],
)  # fmt: skip
def test_anything_else_is_no_data_type(name):
    with pytest.raises(UsageError) as caught:
        check_type(name)
    assert str(caught.value) == (
        f"{name!r} is not a data type; a type begins with one of activity, calendar, code, "
        "contact, crime, document, ethnicity, finance, health, location, media, message, "
        "minors, politics, post, religion, sexuality."
    )


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("mailto:Bob@X.example", "bob@x.example"),
        ("name:Priya  Nair ", "priya nair"),
        ("tel:+44 (7700) 900-123", "447700900123"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("12 34", "12 34"),
        ("555-0123", "5550123"),
        ("555-012", "555-012"),
        ("acct:Bob@x.example", "bob@x.example"),
        ("name:Bob: the builder", "bob: the builder"),
        ("Re: Bob", "re: bob"),
        ("name", "name"),
        ("5550123 ext", "5550123 ext"),
    ],
)
def test_names_and_addresses_are_compared_in_one_form(text, form):
    assert normal(text) == form


def mail(**what):
    return Item(source="mbox", native_id="1", type="message.email.received", **what)


def test_a_subject_knows_people_by_address_and_by_name():
    bob = Agent(id="mailto:Bob@x.example", name="Bob  Stone")
    eve = Agent(id="mailto:eve@x.example", name="Eve")
    subject = Subject.of(mail(author=bob, to=(eve,)))
    assert subject.author == {"bob@x.example", "bob stone"}
    assert subject.people == {"bob@x.example", "bob stone", "eve@x.example", "eve"}


def test_a_subject_knows_people_by_what_they_are_called_elsewhere():
    known_as = {
        "bob@x.example": frozenset({"bobby"}),
        "eve": frozenset({"evelyn"}),
        "mallory": frozenset({"mal"}),
    }
    subject = Subject.of(
        mail(author=Agent(id="mailto:bob@x.example"), to=(Agent(id="name:eve"),)), known_as
    )
    assert subject.author == {"bob@x.example", "bobby"}
    assert subject.people == {"bob@x.example", "bobby", "eve", "evelyn"}


def test_statements_in_force_stand_in_the_order_in_which_they_were_last_said():
    first, second, again = (
        Statement(id=i, effect=Effect.DENY, type=t, purpose=Purpose.TRAIN)
        for i, t in (("1", "message"), ("2", "message.email"), ("3", "message"))
    )
    assert in_force([first, second, again]) == [second, again]
    subject = Subject(type="message.email.sent")
    assert decide([first, second, again], subject, Purpose.TRAIN, NOW).statement == "2"


SENT = Subject(type="message.email.sent", source="phone", people=frozenset({"bob"}))
NARROW = Filters(source="phone")


@pytest.mark.parametrize(
    ("effect", "narrowed", "reason"),
    [
        (Effect.ALLOW, Filters(), "message for train is allowed."),
        (Effect.ALLOW, NARROW, "message for train (with filters) is allowed."),
        (Effect.DENY, Filters(), "message for train is denied."),
        (Effect.DENY, NARROW, "message for train (with filters) is denied."),
    ],
)
def test_a_statement_that_decides_says_so_in_one_sentence(effect, narrowed, reason):
    said = Statement(id="1", effect=effect, type="message", purpose=Purpose.TRAIN, filters=narrowed)
    decision = decide([said], SENT, Purpose.TRAIN, NOW)
    assert (decision.reason, decision.statement) == (reason, "1")
    assert decision.permitted is (effect is Effect.ALLOW)


def test_what_nothing_allows_is_said_with_its_type():
    decision = decide([], SENT, Purpose.TRAIN, NOW)
    assert decision.reason == "Nothing allows message.email.sent for train."
    assert decision.permitted is False


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({}, "Everything is paused."),
        ({"type": "message"}, "message is paused."),
        ({"source": "phone"}, "Everything (with filters) is paused."),
        ({"type": "message", "person": "Bob"}, "message (with filters) is paused."),
    ],
)
def test_a_pause_that_decides_says_so_in_one_sentence(words, reason):
    decision = decide([], SENT, Purpose.TRAIN, NOW, pauses=[Pause(id="p", **words)])
    assert (decision.reason, decision.statement) == (reason, "p")
    assert decision.permitted is False
