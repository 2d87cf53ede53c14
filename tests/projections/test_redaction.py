"""What leaves a text, what takes its place, and what the last look refuses."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.redaction.fold import composed, folded
from projections.redaction.kinds import Found, Kind, Known
from projections.redaction.pipeline import Redactor
from projections.redaction.surrogates import Surrogates, family_names, given_names
from projections.redaction.table import Table
from tests.linear import growth
from tests.projections.world import Nobody
from vault.aliases import Aliases, Part, forms
from vault.consent import Profile

ALIASES = Aliases(b"a" * 32)
PEOPLE = {
    "priya": ("Priya Nair", "mailto:priya.nair@mail.example", "tel:+44 20 7123 0018"),
    "will": ("Will Green",),
    "wang": ("王小明",),
    "elizabeth": ("Elizabeth O'Brien", "@lizzie_ob"),
}


def table(people=PEOPLE):
    entries = {}
    for token, texts in people.items():
        for text in texts:
            for alias in forms(text):
                known = Known(ALIASES.person(token), alias.part)
                entries.setdefault(ALIASES.folded(alias.text), known)
                first, space, _ = alias.text.partition(" ")
                if space:
                    entries.setdefault(ALIASES.start(first), Known(known.person, Part.START))
    return Table(ALIASES, entries)


TABLE = table()


REDACTOR = Redactor.of_view(TABLE, Nobody(), b"v" * 32)
FIRST, LAST = REDACTOR._replacing.names(ALIASES.person("priya"))


def redact(text, profile=Profile.BALANCED):
    return REDACTOR.redact(text, profile)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("told priya about it", f"told {FIRST.lower()} about it"),
        ("Priya Nair came", f"{FIRST} {LAST} came"),
        ("PRIYA!", f"{FIRST.upper()}!"),
        ("Nair, Priya", f"{LAST}, {FIRST}"),
        ("P. Nair wrote", f"{FIRST[0]}. {LAST} wrote"),
        ("Priya's house", f"{FIRST}'s house"),
        ("Pri\u200bya and \u0420riya", f"{FIRST} and {FIRST}"),
        ("@priya_nair", f"@{FIRST.lower()}_{LAST.lower()}"),
        ("PriyaNair", f"{FIRST}{LAST}"),
        ("priyaaaa where are you", f"{FIRST.lower()} where are you"),
        ("priya\nnair", f"{FIRST.lower()}\n{LAST.lower()}"),
        ("Dear Ms Nair", f"Dear Ms {LAST}"),
        ("write to Priya.Nair@mail.example", f"write to {FIRST}.{LAST}@example.org".lower()),
    ],
)
def test_a_known_person_is_masked_in_every_spelling_and_always_by_the_same_name(text, expected):
    done = redact(text)
    assert done.clean
    assert re.sub("@example.(net|com)", "@example.org", done.text.lower()) == expected.lower()


def test_lower_case_stays_lower_case():
    assert redact("told priya").text == f"told {FIRST.lower()}"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("i will go to the green house", False),
        ("Will you come", False),
        ("we saw Will there", True),
        ("told will about it", True),
        ("will's bike", True),
        ("Will said no", True),
        ("hi will", True),
    ],
)
def test_a_name_that_is_also_a_word_is_masked_where_it_means_the_person(text, masked):
    assert (redact(text).text != text) is masked


def test_names_without_spaces_between_words_are_found():
    assert "王" not in redact("昨天王小明来了").text


def test_someone_sharing_a_longer_word_is_left_alone():
    text = "the nairobi flight and the priyamvada book"
    assert redact(text).text == text


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("mail bob@corp.example now", "bob@corp.example"),
        ("bob at corp dot example", "corp dot"),
        ("call 020 7123 0999 tonight", "7123 0999"),
        ("call +1 (212) 555-0187", "555-0187"),
        ("number is 555 0123 99", "0123"),
        ("iban GB82 WEST 1234 5698 7654 32", "5698"),
        ("card 4111 1111 1111 1112", "1111"),
        ("sort code 12-34-56", "12-34-56"),
        ("account number 12345678", "12345678"),
        ("ssn 078-05-1120", "078-05"),
        ("my ni number is QQ 12 34 56 C", "34 56"),
        ("passport number 533380006", "533380006"),
        ("the wifi password is hunter2 ok", "hunter2"),
        ('password: "two words"', "two words"),
        ("the pin is 4821", "4821"),
        ("door code: 48#21", "48#21"),
        ("key sk_live_abcdefghij0123456789", "abcdefghij"),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "abcdefgh"),
        ("AKIAABCDEFGHIJKLMNOP", "AKIA"),
        ("https://me:secret@host.example/x", "me:secret"),
        ("https://host.example/a?id=1&token=abc", "token=abc"),
        ("from 10.20.30.40", "10.20.30"),
        ("dob 3 May 1988", "May 1988"),
        ("born on 03/05/1988", "03/05"),
        ("i live at 14 Mill Lane, Hexham", "Mill Lane"),
        ("at 14 mill lane", "mill lane"),
        ("NE46 1AB", "1AB"),
        ("Hauptstrasse 12", "Hauptstrasse"),
        ("P.O. Box 117", "117"),
        ("zip code 90210", "90210"),
        (
            "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\n-----END PRIVATE KEY-----",
            "MIIE",
        ),
        ("eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.abc", "eyJ"),
    ],
)
def test_private_matters_that_show_by_their_form_are_masked(text, secret):
    done = redact(text)
    assert secret not in done.text
    assert done.clean


@pytest.mark.parametrize(
    "text", ["see you at 8", "it was 3 may 2020", "1250 people", "https://news.example/a", "v2.10"]
)
def test_strict_masks_dates_long_numbers_and_links_and_balanced_leaves_them(text):
    assert redact(text).text == text
    strict = redact(text.replace("1250", "1250000"), Profile.STRICT)
    assert strict.clean
    masked = {Kind.DATE, Kind.NUMBER, Kind.URL}.intersection(s.kind for s in strict.spans)
    assert bool(masked) is (text[0] in "i1h")


class _Guessing:
    """Guesses one piece of a text to be of a kind."""

    version = "guessing"

    def __init__(self, piece: str, kind: Kind) -> None:
        self.piece, self.kind = piece, kind

    def find(self, text):
        at = text.text.find(self.piece)
        if at >= 0:
            yield Found(at, at + len(self.piece), self.kind, 0.8)


@pytest.mark.parametrize(
    ("text", "piece", "kind", "masked"),
    [
        ("VS: BP 120/80 today", "BP", Kind.ORG, []),
        ("seen on BBC 1 today", "BBC", Kind.ORG, [Kind.ORG]),
        ("Mr. President, tell us", "President", Kind.PERSON, []),
        ("I love #Tbilisi so", "#Tbilisi", Kind.PERSON, [Kind.ORG]),
        ("I love # TbilisiNow so", "TbilisiNow", Kind.PERSON, [Kind.ORG]),
        ("I love #AnnaTbilisi so", "#AnnaTbilisi", Kind.PERSON, [Kind.PERSON]),
        ("# one: Zurab came", "Zurab", Kind.PERSON, [Kind.PERSON]),
    ],
)
def test_a_guess_is_no_label_and_no_office_and_behind_a_hash_a_topic(text, piece, kind, masked):
    redactor = Redactor.of_view(table({}), _Guessing(piece, kind), b"v" * 32)
    spans = redactor.redact(text, Profile.STRICT).spans
    over = [s.kind for s in spans if piece in text[s.start : s.end]]
    assert over == masked


def test_names_only_masks_people_with_their_addresses_and_nothing_else():
    text = "priya, priya.nair@mail.example, 020 7123 0018; bob@corp.example; pin is 4821"
    done = redact(text, Profile.NAMES_ONLY).text
    assert "priya" not in done
    assert "7123" not in done
    assert "bob@corp.example; pin is 4821" in done


def test_none_masks_nothing():
    assert redact("Priya Nair, pin 4821", Profile.NONE).text == "Priya Nair, pin 4821"


def test_spans_say_where_in_the_original_and_whose():
    text = "so Pri\u200bya: bob@corp.example"
    spans = redact(text).spans
    assert [(text[s.start : s.end], s.kind) for s in spans] == [
        ("Pri\u200bya", Kind.PERSON),
        ("bob@corp.example", Kind.EMAIL),
    ]
    assert spans[0].person == ALIASES.person("priya")


def test_surrogates_differ_between_views_and_are_nobodys_name():
    other = Redactor.of_view(TABLE, Nobody(), b"w" * 32)
    assert redact("Priya Nair").text != other.redact("Priya Nair", Profile.BALANCED).text
    crowd = {str(i): (name,) for i, name in enumerate(given_names()[:-3])}
    full = table(crowd)
    surrogates = Surrogates(b"v" * 32, full)
    for person in crowd:
        chosen, _ = surrogates.names(ALIASES.person(person))
        assert full.get(chosen.lower()) is None


def test_even_a_roster_of_every_listed_name_leaves_names_that_are_nobodys():
    crowd = {str(i): (name,) for i, name in enumerate((*given_names(), *family_names()))}
    full = table(crowd)
    chosen, last = Surrogates(b"v" * 32, full).names(ALIASES.person("1"))
    assert full.get(chosen.lower()) is None
    assert full.get(last.lower()) is None


def test_a_text_in_which_someone_known_is_still_found_is_refused(monkeypatch):
    monkeypatch.setattr(Surrogates, "person", lambda *_: "Priya")
    assert (
        not Redactor.of_view(TABLE, Nobody(), b"v" * 32)
        .redact("told priya", Profile.BALANCED)
        .clean
    )


def test_a_text_in_which_a_number_is_still_found_is_refused(monkeypatch):
    monkeypatch.setattr(Surrogates, "value", lambda *_: "020 7123 0999")
    assert (
        not Redactor.of_view(TABLE, Nobody(), b"v" * 32)
        .redact("call 020 7123 0111", Profile.BALANCED)
        .clean
    )


@given(st.text(max_size=200))
def test_any_text_is_folded_to_positions_that_exist(text):
    text = composed(text)
    fold = folded(text)
    assert len(fold.text) == len(fold.lower)
    if fold.text:
        start, end = fold.span(0, len(fold.text))
        assert 0 <= start < end <= len(text)


@given(st.text(max_size=80), st.text(max_size=80))
def test_whatever_stands_around_a_known_address_it_never_comes_through(before, after):
    done = redact(f"{before} priya.nair@mail.example {after}", Profile.NAMES_ONLY)
    assert "priya.nair@mail" not in done.text.lower()


@pytest.mark.parametrize(
    "bomb",
    ["a" * 50_000, "1 " * 25_000, "a.b-" * 12_000, "@" * 50_000, "p " * 25_000, "://a:" * 10_000,
     "password is " * 4_000, "+44 " * 12_000, "🙂" * 20_000, "\u202e\u05d0 " * 15_000, "\ud800" * 1000],
)  # fmt: skip
def test_time_is_linear_in_hostile_texts(bomb):
    def strictly(size):
        return Redactor.of_view(TABLE, Nobody(), b"v" * 32).redact(bomb[:size], Profile.STRICT)

    assert growth(strictly, len(bomb) // 8, len(bomb)) < 30
