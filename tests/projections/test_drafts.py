"""Drafts: what is asked, what is learned, and that nothing else decides it."""

import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from string import Formatter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from projections.drafts import Kind, drafts_of, standard
from projections.drafts.activity import rated
from projections.drafts.language import LANGUAGES, language_of
from projections.drafts.wordings import WORDINGS, Wordings
from projections.redaction import secrets, shapes
from projections.redaction.fold import composed, folded
from projections.threads import Allowed, Thread
from vault.consent import Decision
from vault.items import Agent, Item, Precision

thoroughly = settings(max_examples=60, deadline=None)

ASHA, PRIYA = Agent(id="name:Asha Rao"), Agent(id="name:Priya Nair", name="Priya Nair")
SENT, RECEIVED = "message.chat.direct.sent", "message.chat.direct.received"
MONDAY = datetime(2025, 3, 3, 12, tzinfo=UTC)
YES = Decision(permitted=True, reason="", statement="s")


def one(id_, text, kind="document.note", minute=0, **fields):
    """Describe a permitted item."""
    spoken = kind.startswith("message.")
    item = Item(
        **{
            "source": "phone",
            "native_id": id_,
            "type": kind,
            "text": text,
            "at": MONDAY + timedelta(minutes=minute),
            "author": PRIYA if kind == RECEIVED else ASHA,
            "to": ((ASHA,) if kind == RECEIVED else (PRIYA,)) if spoken else (),
            "conversation": "Priya" if spoken else "",
            **fields,
        }
    )
    return Allowed(id_, item, YES)


def drafts(*items, questions=None):
    return list(drafts_of(Thread("t", items), questions))


def said(*items, questions=None):
    return [(draft.kind, *draft.messages) for draft in drafts(*items, questions=questions)]


# Every word is written once, so that whose it is and how often it is learned can be counted.
PATTERNS = [
    *("{} {}", "{}. {} said {}! And {}?", "# {}\n{} {}\n\n## {}\n- {}\n- {}", "{}:\n{}\n\n{}"),
    *("---\ntags: [{}]\n---\n{}\n\n{}", "{}\n\n{}\n\n# {}\n\n# {}", "- {}\n- {}\n- {}", "```\n{}\n```"),
    *("> {}\n{}", "<Media omitted>", "", "{}" + " {}." * 90, "{}" + "\n\n{} {}" * 70, "{} " * 500),
]  # fmt: skip
KINDS = [SENT, SENT, RECEIVED, "message.email.sent", "message.email.received"]
ALONE = [
    "document.note",
    "document.journal",
    "post.social",
    "code.review",
    "document.note.received",
]


def written(id_, pattern):
    numbers = iter(range(pattern.count("{}")))
    return re.sub(r"\{\}", lambda _: f"Wort{id_}x{next(numbers)}", pattern)


@st.composite
def threads(draw):
    alone = draw(st.booleans())
    items = draw(
        st.lists(
            st.tuples(st.sampled_from(ALONE if alone else KINDS), st.sampled_from(PATTERNS), st.integers(0, 50)),
            min_size=1,
            max_size=1 if alone else 8,
        )
    )  # fmt: skip
    at, made = 0, []
    for number, (kind, pattern, pause) in enumerate(items):
        at += pause
        text = written(f"e{number}", pattern)
        title = draw(st.sampled_from(["", "Titel", "Re: a plan", "2024-03-12"]))
        made.append(one(f"e{number}", text, kind, at, title=title))
    return Thread("t", tuple(made))


def words(text):
    return re.findall(r"Wort\w+", text)


class Two:
    """Writes two questions on whatever it is shown, and one of them twice."""

    version = "two"

    def questions(self, passage, language):
        return [f"What? ({language})", f"What? ({language})", f"Why so, {len(passage)}?", "More?"]


writers = st.sampled_from([None, Two()])


@thoroughly
@given(threads(), writers)
def test_roles_alternate_and_hers_is_the_last_word(thread, writer):
    for draft in drafts_of(thread, writer):
        roles = [role for role, _ in draft.messages]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        assert all(text.strip() for _, text in draft.messages)


@thoroughly
@given(threads(), writers)
def test_only_words_of_the_items_that_are_learned_are_learned(thread, writer):
    for draft in drafts_of(thread, writer):
        learned = {word for one in draft.learned for word in words(one.item.own_text)}
        assert all(one.item.sent for one in draft.learned)
        assert set(words(draft.messages[-1][1])) <= learned
        behind = {
            word for one in (*draft.context, *draft.learned) for word in words(one.item.own_text)
        }
        assert {word for _, text in draft.messages for word in words(text)} <= behind
        assert not {one.id for one in draft.context} & {one.id for one in draft.learned}


@thoroughly
@given(threads(), writers)
def test_no_word_of_hers_is_learned_more_than_twice(thread, writer):
    found = list(drafts_of(thread, writer))
    times = Counter(word for draft in found for word in set(words(draft.messages[-1][1])))
    assert all(count <= 2 for count in times.values())
    hers = sum(len(standard(one.item.own_text)) + 1 for one in thread.items if one.item.sent)
    assert sum(len(draft.messages[-1][1]) for draft in found) <= 2 * hers
    assert all(len(draft.messages[-1][1]) <= 4800 for draft in found)
    assert all(sum(len(text) for _, text in draft.messages[:-1]) <= 1300 for draft in found)


@thoroughly
@given(threads(), writers)
def test_every_example_has_a_name_of_its_own_that_its_context_does_not_change(thread, writer):
    found = {draft.key: draft for draft in drafts_of(thread, writer)}
    assert len(found) == len(list(drafts_of(thread, writer)))
    for key, draft in found.items():
        first = thread.items.index(draft.learned[0])
        later = {one.key: one for one in drafts_of(Thread("u", thread.items[first:]), writer)}
        assert later[key].messages[-1] == draft.messages[-1]
        assert later[key].context == ()


@thoroughly
@given(threads(), st.integers(0, 7), writers)
def test_without_an_item_all_is_as_if_it_had_never_been(thread, gone, writer):
    rest = tuple(one for number, one in enumerate(thread.items) if number != gone)
    before = list(drafts_of(Thread("t", rest), writer))
    assert list(drafts_of(thread, writer)) == list(drafts_of(thread, writer))
    assert list(drafts_of(Thread("another", rest), writer)) == before
    ids = {one.id for draft in before for one in (*draft.context, *draft.learned)}
    assert ids <= {one.id for one in rest}


def test_a_burst_answers_what_was_said_before_it():
    first, second = drafts(
        one("e1", "how was it?", RECEIVED),
        one("e2", "good", SENT, 1),
        one("e3", "<Media omitted>", SENT, 2),
        one("e4", "very\u00a0good", SENT, 3),
        one("e5", "and the cake?", RECEIVED, 4),
        one("e6", "gone", SENT, 5),
    )
    assert first.messages == (("user", "how was it?"), ("assistant", "good\nvery good"))
    assert second.messages == (*first.messages, ("user", "and the cake?"), ("assistant", "gone"))
    assert [one.id for one in first.learned] == ["e2", "e4"]
    assert [one.id for one in second.context] == ["e1", "e2", "e4", "e5"]
    assert (first.kind, second.kind) == (Kind.REPLY, Kind.REPLY)


def test_context_is_six_messages_and_six_hundred_characters_at_most():
    asked = [one(f"e{n}", f"{n} " + "x" * 40, RECEIVED, n) for n in range(9)]
    (draft,) = drafts(*asked, one("e9", "ok", SENT, 9))
    assert [item.id for item in draft.context] == ["e3", "e4", "e5", "e6", "e7", "e8"]
    turns = [one(f"e{n}", "x" * 250, SENT if n % 2 else RECEIVED, n) for n in range(6)]
    assert [item.id for item in drafts(*turns)[-1].context] == ["e3", "e4"]
    bursts = [one(f"e{n}", "x", SENT if n in {4, 9} else RECEIVED, n) for n in range(10)]
    assert [item.id for item in drafts(*bursts)[-1].context] == ["e4", "e5", "e6", "e7", "e8"]
    long = one("e0", "Nobody came. " * 80 + "Why is that?", RECEIVED)
    ((_, asked), _) = drafts(long, one("e1", "rain", SENT, 1))[0].messages
    assert len(asked) <= 600
    assert asked.startswith("Nobody came. Nobody")
    assert asked.endswith("Why is that?")


def test_who_is_written_to_first_is_named_and_a_pause_begins_another_answer():
    (first, again) = said(one("e1", "one", SENT), one("e2", "two", SENT, 40))
    assert first[0] is again[0] is Kind.OPENING
    assert "Priya Nair" in first[1][1]
    assert again[1][1] in {text.format(whom="Priya Nair") for text in WORDINGS["en"].to}
    assert again[-2][1] in {text.format(whom="Priya Nair") for text in WORDINGS["en"].again}


@pytest.mark.parametrize(
    ("times", "it"), [(1, "a brief mail"), (30, "a mail"), (60, "a long mail")]
)
def test_a_mail_is_asked_for_by_its_subject_and_its_length(times, it):
    mail = one("m", "Come to dinner. " * times, "message.email.sent", title="Re: AW: The party")
    ((kind, (_, asked), _),) = said(mail)
    assert kind is Kind.OPENING
    assert asked in {text.format(it=it, what="The party") for text in WORDINGS["en"].about}


BREAD = """---
tags:
  - baking
  - "#sour"
aliases: [Loaf]
date: 2024-03-12
---
# Bread

It takes two days.

## Ingredients
- flour
- water

## Steps

Mix it. Wait.

## Oven:
hot
"""


def test_a_note_is_asked_for_by_its_title_and_by_its_headings():
    found = said(one("n", BREAD, title="Bread"))
    answers = [(kind, messages[-1][1]) for kind, *messages in found]
    whole = "It takes two days.\n\n## Ingredients\n- flour\n- water\n\n## Steps\n\nMix it. Wait.\n\n## Oven:\nhot"
    assert answers == [
        (Kind.TITLE, whole),
        (Kind.QUESTION, "It takes two days."),
        (Kind.QUESTION, "- flour\n- water"),
        (Kind.QUESTION, "Mix it. Wait."),
        (Kind.QUESTION, "## Oven:\nhot"),
    ]
    asked = [messages[0][1] for _, *messages in found]
    assert asked[2] in {text.format(what="Ingredients") for text in WORDINGS["en"].items}
    assert all("2024" not in text for text in asked)


def test_what_front_matter_states_asks_and_is_never_learned():
    asked = [said(one(f"n{n}", BREAD, title="Bread"))[0][1][1] for n in range(60)]
    assert any("baking, sour" in text for text in asked)
    assert any("Loaf" in text for text in asked)
    assert any("Bread" in text for text in asked)
    for text in (BREAD, "tags: a, b\ndate: 2024-03-12\n\nIt is mine.", "---\ntags: a\n---"):
        learned = " ".join(messages[-1][1] for _, *messages in said(one("n", text)))
        assert "tags" not in learned
        assert "2024" not in learned


@pytest.mark.parametrize(
    "text", ["Shopping: milk\n\nand more", "---\nno key\n---\nx", "date: now\nso it is"]
)
def test_lines_that_only_look_like_front_matter_are_hers(text):
    assert any(messages[-1][1] == text for _, *messages in said(one("n", text)))


def test_a_list_is_asked_for_as_a_list_and_learned_once():
    ((kind, (_, asked), (_, answer)),) = said(one("n", "- socks\n- [ ] hat", title="Packing"))
    assert (kind, answer) == (Kind.QUESTION, "- socks\n- [ ] hat")
    assert asked in {text.format(what="Packing") for text in WORDINGS["en"].items}


def test_a_text_under_one_heading_is_learned_as_a_whole_only():
    found = said(one("n", "# Rain\nIt rained.", title="Weather"))
    assert [(kind, messages[-1][1]) for kind, *messages in found] == [
        (Kind.TITLE, "# Rain\nIt rained.")
    ]


def test_no_text_goes_on_between_a_label_and_its_value():
    note = f"{'We walked on. ' * 14}\nPassword:\n```\nhunter2x\n```\n{'Then it rained. ' * 20}"
    found = [
        rest
        for n in range(20)
        for kind, *_, (_, rest) in said(one(f"n{n}", note))
        if kind == "continuation"
    ]
    assert found
    assert all(rest.startswith("Then") for rest in found)


def test_a_journal_is_asked_for_by_the_day_where_she_was():
    east = one("j", "slept badly", "document.journal", offset=13 * 60, title="3 March 2025")
    ((_, (_, asked), _),) = said(east)
    assert asked in {text.format(day="Tuesday") for text in WORDINGS["en"].journal}
    undated = one("j", "date: 2024-03-12\n\nslept badly", "document.journal", at=None)
    assert "Tuesday" in said(undated)[0][1][1]
    assert (
        said(one("j", "slept badly", "document.journal", at=None))[0][1][1] in WORDINGS["en"].today
    )


def test_long_texts_go_on_in_pieces_and_short_ones_from_their_first_sentences():
    long = "\n\n".join(f"{n} " + "word " * 100 for n in range(5))
    found = said(one("n", long, title="Plans"))
    assert [len(messages) for _, *messages in found] == [2, 4, 4]
    assert all(messages[-2][1] in WORDINGS["en"].more for _, *messages in found[1:])
    short = "I walked along the river. " * 20
    some = [said(one(f"n{n}", short, title="Walk")) for n in range(20)]
    assert {len(each) for each in some} == {1, 2}
    kind, _, begun, more, rest = next(each[1] for each in some if len(each) == 2)
    assert kind is Kind.CONTINUATION
    assert more[1] in WORDINGS["en"].more
    assert f"{begun[1]} {rest[1]}" == short.strip()


def test_written_questions_take_the_place_of_templates_two_for_a_passage():
    plenty = "It rained all day and nobody came by. " * 4
    note = one("n", f"# Rain\n{plenty}\n\n# Sun\nshort", language="de")
    found = said(note, questions=Two())
    assert [messages[0][1] for _, *messages in found[:2]] == ["What? (de)", "Why so, 151?"]
    assert {messages[-1][1] for _, *messages in found[:2]} == {plenty.strip()}
    assert [messages[-1][1] for _, *messages in found[2:]] == ["short"]
    assert "Sun" in found[2][1][1]


def test_contacts_and_calendars_are_nobodys_prose():
    assert said(one("c", "Priya Nair, 4 Mill Lane", "contact")) == []
    assert said(one("c", "Dentist", "calendar.event")) == []


SPOKEN = {
    "en": "I was at the market and bought what we need for this week.",
    "de": "Ich war auf dem Markt und habe eingekauft, was wir noch brauchen.",
    "fr": "Je suis allé au marché et j'ai acheté ce qu'il nous faut.",
    "es": "Estoy en el mercado y ya tengo todo lo que nos hace falta, pero hay lluvia.",
    "it": "Sono al mercato e ho comprato tutto quello che ci serve per la settimana.",
    "pt": "Eu estou na feira e já comprei tudo o que você pediu, mas não tem pão.",
    "nl": "Ik ben op de markt en heb alles gekocht wat we nog nodig hebben.",
    "pl": "Jestem na rynku i mam już to, co było nam potrzebne, ale nie ma chleba.",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_writes_in_a_language_is_asked_in_it(language):
    assert language_of("", SPOKEN[language]) == language
    assert language_of(f"{language}-XX", "the and of it is") == language
    ((_, (_, asked), _),) = said(one("m", SPOKEN[language], SENT))
    assert asked in {text.format(whom="Priya Nair") for text in WORDINGS[language].to}


def test_a_language_that_nobody_can_tell_is_asked_in_english():
    assert [language_of("", text) for text in ("", "ok", "haha", "日本語です", "de")] == ["en"] * 5
    assert language_of("ja", SPOKEN["de"]) == "en"


FIELDS = {
    "about": {"it", "what"},
    "bare": {"it"},
    "tagged": {"it", "what", "tags"},
    "to": {"whom"},
    "again": {"whom"},
    "journal": {"day"},
    "question": {"what"},
    "within": {"what", "title"},
    "items": {"what"},
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_template_asks_for_what_it_can_be_given(language):
    for name in Wordings.__slots__:
        templates = getattr(WORDINGS[language], name)
        for text in (templates,) if isinstance(templates, str) else templates:
            named = {field for _, field, _, _ in Formatter().parse(text) if field is not None}
            assert named == FIELDS.get(name, set()), text
    assert len(WORDINGS[language].days) == 7


def watched(id_, title, text, minute=0, kind="activity.watched", **fields):
    return one(id_, text, kind, minute, title=title, **fields)


def test_what_she_did_in_one_way_on_one_day_is_told_together():
    evening = 7 * 60
    found = drafts(
        watched("a", "Dune", "9", evening),
        watched("b", "Alien", "8/10, So tense.", evening + 120),
        watched("c", "Watched Heat", "", evening + 5 * 60),
        watched("d", "Up", "fun", evening + 24 * 60),
        watched("e", "bread", "", evening + 24 * 60, "activity.cooked"),
    )
    told = "Watched Dune, rated 9.\nWatched Alien, rated 8 of 10. So tense.\nWatched Heat."
    assert [draft.messages[-1][1] for draft in found] == [told, "Watched Up. fun", "Cooked bread."]
    assert [len(draft.learned) for draft in found] == [3, 1, 1]
    assert {draft.kind for draft in found} == {Kind.ACTIVITY}


def test_when_she_did_it_is_a_day_or_a_month_and_never_a_date():
    def asked(**fields):
        items = [watched(f"a{n}", "Dune", "9", **fields) for n in range(20)]
        return {drafts(item)[0].messages[0][1] for item in items}

    night = datetime(2025, 3, 1, 1, tzinfo=UTC)
    assert asked(at=night) == {
        "What did you watch on Friday night?",
        "What did you watch in February?",
    }
    assert asked(at=night, offset=18 * 60) == {
        "What did you watch on Saturday evening?",
        "What did you watch in March?",
    }
    day = {"What did you watch on Saturday?", "What did you watch in March?"}
    assert asked(at=night.replace(hour=0), precision=Precision.DAY) == day
    for unknown in ({"at": None}, {"precision": Precision.FILE}):
        assert asked(**unknown) == {"What did you watch?"}


@pytest.mark.parametrize(
    ("text", "rating"),
    [
        *((text, ("rated 9", "")) for text in ("9", "rated 9", "Rating: 9", "9 stars")),
        *(
            (text, ("rated 9 of 10", ""))
            for text in ("9/10", "rated 9/10", "9 out of 10", "9 von 10")
        ),
        ("★★★★", ("rated 4", "")),
        ("★★★★☆ good", ("rated 4 of 5", "good")),
        ("★★½", ("rated 2.5", "")),
        ("4.5/5", ("rated 4.5 of 5", "")),
        ("87%", ("rated 87 of 100", "")),
        ("9/10 loved it", ("rated 9 of 10", "loved it")),
        ("9. Loved it", ("rated 9", "Loved it")),
        *(
            (text, ("", text))
            for text in ("9 lives", "24/7", "9/11", "12/10", "3/4/2024", "great", "")
        ),
    ],
)
def test_ratings_have_one_form_and_other_words_stay_as_they_are(text, rating):
    assert rated(text) == rating


@thoroughly
@given(
    st.lists(st.tuples(st.sampled_from(["Dune", "Up?", ""]), st.sampled_from(PATTERNS)), max_size=9)
)
def test_activities_learn_each_of_her_words_once(done):
    items = [
        watched(f"e{n}", title, written(f"e{n}", text), n) for n, (title, text) in enumerate(done)
    ]
    found = list(drafts_of(Thread("t", tuple(items))))
    times = Counter(word for draft in found for word in words(draft.messages[-1][1]))
    assert all(count == 1 for count in times.values())
    assert len({draft.key for draft in found}) == len(found)


def test_a_note_as_large_as_a_book_teaches_each_section_once():
    note = "".join(
        f"## Part {n}\n\nOn day {n} we walked far and saw the sea.\n\n" for n in range(5000)
    )
    kinds = Counter(draft.kind for draft in drafts(one("n", note, title="Book")))
    assert kinds[Kind.QUESTION] == 5000
    assert 200 < kinds[Kind.TITLE] < 400


def test_the_wording_follows_from_the_items_and_not_from_their_context():
    hers = one("e2", "good", SENT, 40)
    alone = said(hers)
    after = said(one("e1", "well", SENT), hers)[1]
    assert alone[0][1] == after[1]
    renamed = replace(hers, item=structs.replace(hers.item, text="fine"))
    assert said(renamed)[0][1] == alone[0][1]
    asked = {said(one(f"e{n}", "good", SENT))[0][1][1] for n in range(30)}
    assert asked == {text.format(whom="Priya Nair") for text in WORDINGS["en"].to}


SECRETS = [
    "Password:\nhunter2x",
    "## Password:\nhunter2x",
    "the password is hunter2x",
    "name,username,note\n" + "Asha,hunter2x,Blue. Green\n" * 60,
    "NAME,USERNAME,NOTE\n" + "Asha,hunter2x,She came with the others. Then she left\n" * 25,
    "# name,username\n" + "Asha,hunter2x\n" * 90,
    "- note about it\n- password: hunter2x\n- and more",
]
AROUND = [
    "Nobody came by that day. " * 30,
    "It rained.",
    "# Rain\n",
    "Last of all:",
    "- one\n- two",
]


def masked(text):
    fold = folded(composed(text))
    return [
        fold.text[found.start : found.end]
        for finder in (shapes.find, secrets.find)
        for found in finder(fold)
    ]


@thoroughly
@given(st.lists(st.sampled_from(AROUND + SECRETS), max_size=6), writers)
def test_what_redaction_would_find_in_the_whole_it_finds_in_every_message(parts, writer):
    note = one("n", "\n\n".join(parts), title="Home")
    chat = [one(f"m{n}", text, SENT, n) for n, text in enumerate(parts)]
    for draft in (*drafts(note, questions=writer), *drafts(*chat)):
        for _, text in draft.messages:
            assert text.count("hunter2x") <= masked(text).count("hunter2x")


BOMBS = [
    *(
        "a",
        " ",
        "\n   ",
        "# a\n",
        "# a:\n",
        "amp;",
        "&#",
        "<",
        "<b ",
        "<b a=",
        "<b<i>",
        "`a\n",
        "```a\n",
    ),
    *(
        "-----BEGIN A\n",
        "!",
        "! ",
        "word. A",
        "[",
        "[12/03/2024, 18:22:01]",
        "On 10:00 wrote\n",
        "-- \n",
    ),
    *(
        "From: a\n",
        "https://",
        "https://a.b?utm_a=1&",
        "a\u200d",
        "a\n---\n",
        "a: b\n",
        "1. a\n",
        "[cid:",
    ),
    *(
        "a.jpg (file ",
        "&amp;lt;b&amp;gt;",
        "AAAA BBBB\n\ncc\n\n",
        "a          \n",
        "```\nx\n```\n",
        "日。",
    ),
]


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_text_made_to_cost_much_costs_no_more_than_its_length(bomb):
    # What were quadratic would take longer than a test may.
    text = (bomb * 100_000)[:100_000]
    said(one("n", text, title="Bomb"))
    said(one("m", f"<{text}>", SENT))
    assert standard(standard(text)) == standard(text)
