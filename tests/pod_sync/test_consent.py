"""What an edit of a document asks for: the table in `specs/consent.md`, and what no table can say."""

import runpy
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pod_sync.consent import State, compare, fitting, live, marked, written
from pod_sync.graph import EVERYTHING, Document, Rule
from tests.vault.test_consent import NOW, said, statements, subjects
from vault.consent import Effect, Pause, Profile, Purpose, Statement, decide

ROOT = Path(__file__).parents[2]
SPEC = runpy.run_path(str(ROOT / "specs" / "conftest.py"))
TODAY = datetime(2026, 3, 1, tzinfo=UTC)
HEADER = "| stood | the document says | counts at once | waits |"
KEY = b"k" * 32
BOTH = (
    Statement(id="a1", effect=Effect.ALLOW, type="message", purpose=Purpose.TRAIN),
    Pause(id="b2"),
)
STRICTNESS = {profile: rank for rank, profile in enumerate(Profile)}


def rows():
    table = (ROOT / "specs" / "consent.md").read_text("utf-8").split(HEADER)[1].strip()
    for line in table.splitlines()[1:]:
        if not line.startswith("|"):
            return
        yield tuple(cell.strip() for cell in line.strip("|").split("|"))


def parsed(words):
    return list(SPEC["_said"]("" if words == "-" else words))


def sayable(statements):
    """Leave recipients where there are any: nothing but sharing is with somebody."""
    return [
        one if one.purpose is Purpose.SHARE else replace(one, recipient="") for one in statements
    ]


def plain(words):
    return [replace(one, id="") for one in words]


def edited(stood, says, *, before="all", waiting=(), now=TODAY, type_="message"):
    document = Document(
        type=type_, rules=tuple(Rule(words=replace(one, id="")) for one in says), digest=b""
    )
    ids = count(100)
    return compare(
        document,
        frozenset("pause." * isinstance(one, Pause) + one.id for one in stood)
        if before == "all"
        else before,
        State(
            said=[s for s in stood if isinstance(s, Statement)],
            pauses=[p for p in stood if isinstance(p, Pause)],
            waiting=list(waiting),
            now=now,
        ),
        lambda: str(next(ids)),
    )


@pytest.mark.parametrize(("stood", "says", "counts", "waits"), list(rows()))
def test_an_edit_counts_and_waits_as_the_table_says(stood, says, counts, waits):
    changes = edited(parsed(stood), parsed(says))
    assert plain([*changes.tightened, *changes.paused]) == plain(parsed(counts))
    assert plain(changes.loosened) == plain(parsed(waits))


@given(
    said,
    st.lists(statements, max_size=5),
    st.lists(st.integers(0, 7), unique=True),
    subjects,
    st.sampled_from(["", "r"]),
)
def test_whatever_a_document_says_nothing_is_permitted_that_was_not_before(
    said, says, taken_out, subject, recipient
):
    """The document is what stands, some of it taken out, with words of somebody's own."""
    for type_ in {one.type for one in (*said, *says)}:
        stands = [s for s in live(said, NOW) if s.type == type_]
        rules = [s for n, s in enumerate(stands) if n not in taken_out]
        rules += [s for s in says if s.type == type_]
        changes = edited(said, rules, before=None, now=NOW, type_=type_)
        for purpose in (Purpose.TRAIN, Purpose.SHARE):
            before, after = (
                decide(every, subject, purpose, NOW, recipient=recipient)
                for every in (said, [*said, *changes.tightened])
            )
            assert before.permitted or not after.permitted
            assert not after.permitted or STRICTNESS[after.redact] <= STRICTNESS[before.redact]


@given(said)
def test_what_the_vault_wrote_itself_asks_for_nothing(said):
    for type_ in {one.type for one in said}:
        stands = [s for s in live(said, NOW) if s.type == type_]
        assert edited(said, stands, before=None, now=NOW, type_=type_).asked == ()


@given(said, st.lists(statements, max_size=5))
def test_the_same_edit_asks_for_nothing_the_second_time(said, says):
    said, says = sayable(said), sayable(replace(one, type="message") for one in says)
    first = edited(said, says, before=None, now=NOW)
    heard = [*said, *first.tightened]
    again = edited(heard, says, before=None, waiting=first.loosened, now=NOW)
    third = edited(
        [*heard, *again.tightened],
        says,
        before=None,
        waiting=[*first.loosened, *again.loosened],
        now=NOW,
    )
    assert third.asked == ()


def test_what_was_said_after_the_document_was_written_is_not_taken_for_taken_out():
    stood = parsed("allow message train; allow message search")
    assert edited(stood, stood[:1], before=frozenset({"1"})).asked == ()


def test_a_document_that_bears_no_mark_is_taken_for_all_that_stands():
    (withdrawn,) = edited(parsed("allow message train"), [], before=None).tightened
    assert (withdrawn.effect, withdrawn.expires) == (Effect.DENY, None)


def test_what_the_owner_has_changed_since_stays_as_she_said():
    """Somebody removes a permission that she has replaced meanwhile; her newer word holds."""
    stood = parsed("allow message train redact=none; allow message train redact=strict")
    assert edited(stood, [], before=frozenset({"1"})).asked == ()


def test_a_removed_permission_is_withdrawn_where_ending_it_would_show_a_laxer_one():
    stood = parsed("allow message train redact=none; allow message.email train redact=strict")
    says = parsed("allow message.email train redact=strict source=phone")
    changes = edited(stood, says, type_="message.email")
    assert [s.effect for s in changes.tightened] == [Effect.ALLOW, Effect.DENY]
    subject = SPEC["_subject"]("message.email.sent source=mbox")
    assert not decide([*stood, *changes.tightened], subject, Purpose.TRAIN, TODAY).permitted


def test_a_permission_that_nothing_could_make_permit_anything_is_not_asked_for():
    says = parsed("allow message share; allow message train since=2025-01-01 until=2024-01-01")
    assert edited([], says).asked == ()


def test_a_pause_that_was_taken_out_stands_and_is_told():
    stood = parsed("pause source=phone")
    changes = edited(stood, [], type_=EVERYTHING)
    assert changes.unpaused == tuple(stood)
    assert changes.paused == ()


def test_a_flood_is_left_aside():
    says = [
        replace(one, filters=replace(one.filters, source=f"s{n}"))
        for n, one in enumerate(parsed("allow message train") * 1100)
    ]
    changes = edited([], says)
    assert (len(changes.loosened), changes.flooded) == (1000, 100)


def test_a_flood_of_pauses_is_left_aside_and_what_holds_can_be_forbidden_still():
    stood = parsed("allow message train")
    pauses = [Pause(id="", type="message", source=f"s{n}") for n in range(2100)]
    changes = edited(stood, [*stood, *pauses])
    assert (len(changes.paused), changes.flooded) == (1999, 101)
    full = [*stood, *(replace(one, id=f"p{n}") for n, one in enumerate(pauses[:1999]))]
    more = edited(full, [*parsed("deny message train; deny message search"), *full[1:]])
    assert [s.purpose for s in more.tightened] == [Purpose.TRAIN]
    assert more.flooded == 1


def test_of_more_than_a_document_holds_permissions_are_left_out_first():
    (allow,) = parsed("allow message train")
    said = [replace(allow, id=str(n)) for n in range(2000)]
    pauses = [Pause(id=f"p{n}", type="message", source=f"s{n}") for n in range(1500)]
    assert fitting([*said, *pauses]) == [*pauses, *said[:1500]]
    assert fitting([*said, *pauses, *pauses]) == [*pauses, *pauses]


def test_what_a_document_had_no_room_for_is_not_taken_for_taken_out():
    said = [
        replace(one, id=str(n), filters=replace(one.filters, source=f"s{n}"))
        for n, one in enumerate(parsed("allow message train") * 3010)
    ]
    assert edited(said, said[:3000], before=None).asked == ()


def test_the_mark_says_what_the_vault_had_written_in_whatever_form_the_document_is():
    content = marked(b"<> a <#x> .", "message", [BOTH[1], BOTH[0]], KEY)
    literal = content.split(b'"')[1]
    assert written(content, "message", KEY) == {"a1", "pause.b2"}
    assert written(b'{"version": "' + literal + b'"}', "message", KEY) == {"a1", "pause.b2"}
    assert written(marked(b"", "message", [], KEY), "message", KEY) == frozenset()


@pytest.mark.parametrize(
    ("content", "data_type", "key"),
    [
        (b"<> a <#x> .", "message", KEY),
        (marked(b"", "message", BOTH[:1], KEY), "health", KEY),
        (marked(b"", "message", BOTH[:1], KEY), "message", b"j" * 32),
        (marked(b"", "message", BOTH[:1], KEY).replace(b"a1", b"a2"), "message", KEY),
        (b"twinvault:1:" * 100_000, "message", KEY),
    ],
)
def test_a_mark_of_another_vault_or_document_or_a_changed_one_is_none(content, data_type, key):
    assert written(content, data_type, key) is None


def test_the_words_of_nobody_known_are_not_taken_for_taken_out():
    """A prohibition about somebody unknown is read as no rule; its name says that it is there."""
    (stood,) = parsed("deny message train person=bob")
    document = Document(type="message", rules=(), digest=b"", unknown=(stood.id,))
    state = State(said=[stood], pauses=[], waiting=[], now=TODAY)
    assert compare(document, frozenset({stood.id}), state, str).asked == ()


def test_what_another_device_wrote_is_not_taken_for_somebodys_edit():
    stood = parsed("allow message train; deny message mirror")
    document = Document(
        type="message",
        rules=(
            Rule(words=replace(stood[0], id=""), name="1"),
            Rule(words=replace(stood[1], id="", purpose=Purpose.SHARE), name="x"),
        ),
        digest=b"",
    )
    state = State(said=[], pauses=[], waiting=[], now=TODAY)
    asked = compare(document, frozenset({"1", "2"}), state, str).asked
    assert [s.purpose for s in asked] == [Purpose.SHARE]
