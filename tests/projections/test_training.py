"""Rows: her words as answers, others' as context where allowed, nothing without consent."""

from datetime import timedelta
from pathlib import Path

import pytest

import projections
from vault.consent import SENSITIVE, Purpose
from vault.follow import catch_up

MATERIAL = Path(projections.__file__).with_name("material")
SENT = "message.chat.direct.sent"
RECEIVED = "message.chat.direct.received"


def test_nothing_said_means_no_rows(world):
    world.collect(world.item("hello"))
    assert world.rows() == []


def test_her_burst_is_the_answer_to_what_was_said_before(world):
    world.allow("message", RECEIVED, redact="none")
    ids = world.collect(
        world.item("how was it?", RECEIVED, minute=0),
        world.item("good", minute=1),
        world.item("very good", minute=2),
        world.item("and the cake?", RECEIVED, minute=3),
        world.item("gone", minute=4),
    )
    assert world.said() == [
        [("user", "how was it?"), ("assistant", "good\nvery good")],
        [
            ("user", "how was it?"),
            ("assistant", "good\nvery good"),
            ("user", "and the cake?"),
            ("assistant", "gone"),
        ],
    ]
    first = next(row for row in world.rows() if len(row.messages) == 2)
    assert first.events == tuple(ids[:3])
    assert first.statements == ("s1", "s2")
    assert first.at == world.noon + timedelta(minutes=1)


def test_others_words_are_no_context_unless_they_were_named(world):
    world.allow("message", redact="none")
    world.collect(world.item("how was it?", RECEIVED), world.item("good", minute=1))
    assert world.said() == [[("user", "Write to Priya Nair."), ("assistant", "good")]]


def test_a_pause_begins_another_answer_and_six_hours_another_thread(world):
    world.allow("message", redact="none")
    world.collect(
        world.item("one"), world.item("two", minute=40), world.item("three", minute=40 + 361)
    )
    said = world.said()
    assert [[words for _, words in one][1::2] for one in said] == [
        ["one"],
        ["one", "two"],
        ["three"],
    ]
    assert all("Priya Nair" in words for one in said for _, words in one[::2])


def test_context_is_at_most_six_messages_and_six_hundred_characters(world):
    world.allow("message", RECEIVED, redact="none")
    said = [world.item(f"{n} " + "x" * 90, RECEIVED, minute=n) for n in range(9)]
    world.collect(*said, world.item("ok", minute=9))
    ((_, context), _) = world.said()[0]
    assert len(context) <= 600
    assert context.endswith("8 " + "x" * 90)


def test_a_mail_that_opens_a_thread_is_asked_for_by_its_subject(world):
    world.allow("message", redact="none")
    world.collect(
        world.item(
            "Dear all, come.", "message.email.sent", title="Re: AW: The party", text_new="come."
        )
    )
    [[(_, prompt), (_, answer)]] = world.said()
    assert "mail about The party" in prompt
    assert answer == "come."


def test_notes_and_journals_are_asked_for_and_go_on_in_pieces(world):
    world.allow("document", *SENSITIVE, redact="none")
    lines = (MATERIAL / "ordinary.txt").read_text("utf-8").splitlines()[5:85]
    long = "\n\n".join(". ".join(lines[n : n + 16]).capitalize() + "." for n in range(0, 80, 16))
    world.collect(
        world.item("flour", "document.note", title="Bread"),
        world.item("slept badly", "document.journal", offset=13 * 60),
        world.item(long, "document.note", title="Plans", minute=1),
    )
    said = world.said()
    asked = {answer: prompt for (_, prompt), (_, answer) in (m for m in said if len(m) == 2)}
    assert "Bread" in asked["flour"]
    assert "Tuesday" in asked["slept badly"]
    pieces = [words for one in said if (words := one[-1][1]).endswith(".")]
    assert len(pieces) >= 3
    assert all(len(words) <= 1300 for words in pieces)
    assert all(any(line.capitalize() in words for words in pieces) for line in lines[::16])


def test_only_her_own_words_are_learned_never_what_she_quotes(world):
    world.allow("message", RECEIVED, redact="none")
    world.collect(world.item("yes\n> was it good?", "message.email.sent", text_new="yes"))
    assert world.said()[0][-1] == ("assistant", "yes")


def test_equal_answers_are_learned_once_from_the_smallest_event(world):
    world.allow("message", redact="none")
    ids = world.collect(*(world.item("ok", conversation=c, minute=n) for n, c in enumerate("ABC")))
    assert [row.events for row in world.rows()] == [(ids[0],)]
    assert world.views.training.stats(world.now).duplicates == 2
    world.withdraw("message", conversation="A")
    assert [row.events for row in world.rows()] == [(ids[1],)]


def test_a_row_is_redacted_by_the_strictest_profile_among_its_items(world):
    world.allow("message", redact="none")
    world.allow(RECEIVED, redact="strict")
    world.collect(
        world.item("when is the train?", RECEIVED),
        world.item("on 3 May, says Priya, she has the tickets", minute=1),
    )
    assert "[date]" in world.said()[0][-1][1]
    assert "Priya" not in world.said()[0][-1][1]


def test_the_split_is_by_thread_and_holds_for_ever(world):
    world.allow("message", redact="none")
    world.collect(
        *(
            world.item(f"{c}{m}", conversation=str(c), minute=m)
            for c in range(60)
            for m in range(0, 200, 50)
        )
    )
    before = {row.id: row for row in world.rows()}
    held = {row.group for row in before.values() if row.split == "held"}
    train = {row.group for row in before.values() if row.split == "train"}
    assert held.isdisjoint(train)
    assert 3 <= len(held) <= 18
    world.withdraw("message", conversation="7")
    after = {row.id: row for row in world.rows()}
    assert all(before[id_].split == row.split for id_, row in after.items() if id_ in before)
    assert len(after) == len(before) - 4
    assert list(after) == sorted(after)


def test_rows_go_in_the_transaction_of_the_page_that_withdraws(world):
    world.allow("message", RECEIVED)
    world.collect(
        world.item("secret", RECEIVED),
        world.item("hello", minute=1),
        world.item("x", conversation="B"),
    )
    assert len(world.rows()) == 2
    statement = world.statement("deny", RECEIVED, conversation="Priya")
    assert world.views.training.going(statement, world.now) == 1
    assert world.views.training.going(world.statement("deny", RECEIVED, "search"), world.now) == 0
    world.withdraw(RECEIVED, conversation="Priya")
    world.views.catch_up(world.log)
    assert world.views.training._one("SELECT count(*) FROM rows") == 1
    assert "secret" not in repr(world.rows())
    assert len(world.rows()) == 2


def test_an_erased_item_takes_its_rows_with_it_in_the_same_transaction(world):
    world.allow("message")
    (first,) = world.collect(world.item("hello"))
    assert world.views.training.holding([first]) == 0
    assert len(world.rows()) == 1
    assert world.views.training.holding([first]) == 1
    world.erase(first)
    world.views.catch_up(world.log)
    assert world.views.training._one("SELECT count(*) FROM rows") == 0


def test_consent_is_asked_again_when_rows_are_taken(world):
    world.allow("message", RECEIVED)
    world.collect(*(world.item(str(n), conversation=str(n % 2), minute=n * 60) for n in range(4)))
    rows = world.rows()
    assert world.views.training.still_permitted(rows, world.now) == {row.id for row in rows}
    # Another process withdraws between two batches; this one follows and asks.
    elsewhere = world.open()
    world.views, mine = elsewhere, world.views
    world.withdraw("message", conversation="1")
    mine.catch_up(world.log)
    allowed = mine.training.still_permitted(rows, world.now)
    left = [row for row in rows if row.id in allowed]
    assert 0 < len(left) < len(rows)
    for row in left:
        for event in row.events:
            assert mine.permissions.decide(event, Purpose.TRAIN, world.now).permitted


def test_a_row_redacted_less_than_is_now_asked_is_not_permitted_any_more(world):
    world.allow("message", redact="balanced")
    world.collect(world.item("see you on 3 May"))
    rows = world.rows()
    world.allow("message", redact="strict")
    world.views.catch_up(world.log)
    assert world.views.training.still_permitted(rows, world.now) == set()
    assert "[date]" in world.said()[0][-1][1]
    world.allow("message", redact="strict")
    same = world.rows()
    world.allow("message", redact="strict")
    world.views.catch_up(world.log)
    assert world.views.training.still_permitted(same, world.now) == {row.id for row in same}


def test_a_clock_set_back_revives_nothing(world):
    world.allow("message", expires=world.start + timedelta(days=20))
    world.collect(world.item("hello"))
    world.views.catch_up(world.log)
    early = world.start + timedelta(days=10)
    assert len(list(world.views.training.rows(now=early))) == 1
    assert list(world.views.training.rows(now=world.now)) == []
    world.collect(world.item("more", minute=1, with_=("name:Priya Nair", "name:Karin Holm")))
    world.views.catch_up(world.log)
    assert list(world.views.training.rows(now=early)) == []


def test_rows_that_are_still_there_are_not_handed_out_against_a_newer_word(world, monkeypatch):
    world.allow("message")
    world.collect(world.item("hello"))
    assert len(world.rows()) == 1
    world.withdraw("message")
    views = world.views
    catch_up(world.log, [views.people, views.permissions, views.timeline])
    monkeypatch.setattr(type(views.training), "settle", lambda *_: None)
    assert list(views.training.rows(now=world.now)) == []


def test_someone_who_becomes_known_later_is_masked_in_rows_made_before(world):
    world.allow("document")
    world.collect(world.item("karin came", "document.note"))
    assert world.said()[0][-1][1] == "karin came"
    world.collect(world.item("hello", with_="name:Karin Holm"))
    assert "karin" not in world.said()[0][-1][1]


def test_a_refused_text_makes_no_row_and_is_counted(world, monkeypatch):
    from projections.redaction.surrogates import Surrogates  # noqa: PLC0415

    monkeypatch.setattr(Surrogates, "person", lambda *_: "Priya")
    world.allow("message")
    world.collect(world.item("hello priya"))
    assert world.rows() == []
    assert world.views.training.stats(world.now).refused == 1


def test_stats_and_preview_say_what_was_masked(world):
    world.allow("message")
    world.collect(
        world.item("told priya the pin is 4821"), world.item("nothing here", conversation="B")
    )
    stats = world.follow().training.stats(world.now)
    counts = stats.counts
    assert (counts.rows, counts.by_type, counts.by_statement) == (2, ((SENT, 2),), (("s1", 2),))
    assert counts.masked == (("person", 1), ("secret", 1))
    (sample,) = world.views.training.preview(1, world.now)
    assert sample.before == "told priya the pin is 4821"
    assert sample.after == sample.row.messages[-1].content
    assert "4821" not in sample.after


@pytest.mark.parametrize("purpose", ["search", "share", "mirror", "collect"])
def test_a_permission_for_another_purpose_makes_no_rows(world, purpose):
    world.allow("message", purpose=purpose)
    world.collect(world.item("hello"))
    assert world.rows() == []


def test_an_item_that_is_held_out_is_told_from_one_that_is_learned(world):
    world.allow("message")
    said = ("soup", "boat", "tide", "bread", "letters", "gutters", "kettle", "ferry")
    for week in range(40):
        words = f"the {said[week % 8]} and {week} more of {said[week // 8]} are here"
        world.collect(world.item(words, conversation=f"c{week}", minute=week * 10_080))
    views = world.follow()
    found = {"train": 0, "held": 0}
    for row in world.rows(views):
        [stored] = views.timeline.load(row.facts.learned[:1])
        where = views.training.whereabouts(stored, world.now)
        assert bool(where.held) == (row.split == "held") != bool(where.learned)
        found[row.split] += 1
    assert all(found.values())
