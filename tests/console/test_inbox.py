"""`twin consent inbox`, as it is typed."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from console import bootstrap
from console.use.answering import refusal
from tests.helpers import PASSPHRASE
from tests.vault.test_consent import NOW, moments, statements
from tests.vault.test_heeded import later
from vault.consent import Effect, Filters, Profile, Purpose, Statement, Subject, decide, same_words
from vault.events import ConsentObserved


def asked(vault, *statements):
    """Put on the record what somebody wrote into the pod."""
    twin = bootstrap.open_(vault.home, PASSPHRASE)
    document = "twinvault/consent/message.ttl"
    twin.vault.record(
        *(ConsentObserved(statement=s, document=document, digest=bytes(32)) for s in statements)
    )
    twin.close()


def statement(id_, effect="allow", purpose="search", **more):
    return Statement(
        id=id_ * 8, effect=Effect(effect), type="message", purpose=Purpose(purpose), **more
    )


recipients = st.sampled_from(["", "r", "q"])


@st.composite
def wishes(draw):
    """What was said, and a wish on words on which something was said; few words, so that they meet."""
    said = [
        replace(
            one,
            type=draw(st.sampled_from(["message", "message.email"])),
            filters=draw(st.sampled_from([Filters(), Filters(person="bob")])),
            recipient=draw(recipients),
        )
        for one in draw(st.lists(statements, min_size=1, max_size=6))
    ]
    return said, replace(
        draw(st.sampled_from(said)),
        id="asked",
        effect=draw(st.sampled_from(Effect)),
        redact=draw(st.sampled_from(Profile)),
        recipient=draw(recipients),
        expires=draw(moments),
    )


@given(wishes(), st.sampled_from(["bob", "eve"]), later, recipients)
@settings(max_examples=300)
def test_refusing_permits_and_forbids_nothing_to_anybody_at_any_moment(
    wish, person, later, recipient
):
    said, asked = wish
    subject = Subject(type="message.email.sent", people=frozenset({person}))
    answers = refusal(said, asked, NOW)
    assert any(same_words(one, asked) for one in answers), "it waits no longer"
    for purpose in Purpose:
        before, after = (
            decide(every, subject, purpose, NOW + later, recipient=recipient)
            for every in (said, [*said, *answers])
        )
        assert before.permitted is after.permitted
        assert not after.permitted or before.redact is after.redact


def test_the_inbox_lists_what_waits_and_takes_the_owners_answers(vault):
    done = vault("consent", "inbox")
    assert (done.status, done.out) == (0, "Nothing waits for your word.\n")
    vault.ok("consent", "deny", "message", "share")
    ended = datetime(2020, 1, 1, tzinfo=UTC)
    asked(
        vault,
        statement("aaaa"),
        statement("bbbb", purpose="mirror"),
        statement("dddd", "deny", "share", expires=ended),
    )
    lines = vault("consent", "inbox", "list").out.splitlines()
    assert [line.split()[0] for line in lines] == ["aaaaaaaa", "bbbbbbbb", "dddddddd"]
    assert lines[0].endswith("allow message for search")
    assert "end deny" in lines[2]
    assert vault("consent", "inbox", "accept", "aaaa").out == "allow message for search\n"
    assert vault("consent", "inbox", "refuse", "bbbb").out == "refused: allow message for mirror\n"
    vault.ok("consent", "inbox", "accept", "dddd")
    problem = vault.refused(3, "consent", "inbox", "accept", "aaaa")
    assert "twin consent inbox" in problem["message"]
    assert vault.ok("consent", "inbox") == {"waiting": [], "unread": []}
    assert [s["purpose"] for s in vault.ok("consent", "show")["statements"]] == ["search"]
    assert "asked in the pod: allow message for mirror" in vault("consent", "history").out
