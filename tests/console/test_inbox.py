"""`twin consent inbox`, as it is typed."""

from datetime import UTC, datetime

from console import bootstrap
from tests.helpers import PASSPHRASE
from vault.consent import Effect, Purpose, Statement
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
