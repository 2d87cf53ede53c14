"""What takes a person's place: fitting, nobody's, the same in a view and nowhere else."""

import re
import unicodedata

import pytest

from projections.redaction.everyday import Gender, gendered, read
from projections.redaction.fold import composed, folded
from projections.redaction.kinds import Kind
from projections.redaction.roster import Claim, Roster, RosterEntry, Table, person_of
from projections.redaction.surrogates import (
    Surrogates,
    family_names,
    given_names,
    is_ours,
)
from vault.aliases import Aliases, Part, entries

ALIASES = Aliases(b"a" * 32)
ENTRIES = (
    RosterEntry(id=1, names=("Anna Maria Lopez",)),
    RosterEntry(id=2, names=("Peter van der Berg",)),
    RosterEntry(id=3, names=("Priya Nair",)),
)
TABLE = Table.from_entries(ALIASES, ENTRIES)
ANNA, PETER, PRIYA = (person_of(ALIASES, entry) for entry in ENTRIES)
VIEW = Surrogates(b"v" * 32, TABLE)


def test_a_surrogate_has_as_many_words_and_keeps_initials_particles_and_letter_case():
    first, last = VIEW.names(ANNA)
    whole = VIEW.person(ANNA, Part.WHOLE, "Anna Maria Lopez").split()
    assert (whole[0], whole[2], len(whole)) == (first, last, 3)
    assert VIEW.person(ANNA, Part.FIRST, "Anna") == first
    assert VIEW.person(ANNA, Part.NICK, "annie") == first.lower()
    assert VIEW.person(ANNA, Part.LAST, "LOPEZ") == last.upper()
    assert VIEW.person(ANNA, Part.REVERSED, "Lopez, Anna") == f"{last}, {first}"
    assert VIEW.person(ANNA, Part.INITIAL, "A. Lopez") == f"{first[0]}. {last}"
    assert VIEW.person(ANNA, Part.SHORT, "Anna L.") == f"{first} {last[0]}."
    assert VIEW.person(ANNA, Part.INITIALS, "AL") != "AL"
    first, last = VIEW.names(PETER)
    assert VIEW.person(PETER, Part.WHOLE, "Peter van der Berg") == f"{first} van der {last}"
    assert VIEW.person(PETER, Part.LAST, "van der Berg") == f"van der {last}"
    assert VIEW.person(PRIYA, Part.FIRST, "Priyas") == VIEW.names(PRIYA)[0] + "s"


def test_a_given_name_hints_at_the_gender_of_its_surrogate_and_digests_are_enough_for_it():
    given = {
        name.lower()
        for line in read("given.txt").splitlines()
        if line.startswith("f")
        for name in line.split()[1:]
    }
    for number in range(20):
        view = Surrogates(bytes([number]) * 32, TABLE)
        assert view.names(ANNA)[0].lower() in given
        assert view.names(PETER)[0].lower() not in given
    assert TABLE.gender(ANNA) is Gender.FEMALE
    assert TABLE.gender(PETER) is Gender.MALE
    assert "andrea" not in gendered()


@pytest.mark.parametrize(
    ("written", "script"),
    [("Анна Лопес", "CYRILLIC"), ("Άννα Λόπες", "GREEK"), ("آنا لوبيز", "ARABIC"),
     ("אנה לופז", "HEBREW"), ("अन्ना लोपेज़", "DEVANAGARI"), ("王小明", "CJK"), ("김민수", "HANGUL")],
)  # fmt: skip
def test_a_surrogate_is_written_in_the_script_of_the_name(written, script):
    found = VIEW.person(ANNA, Part.WHOLE, written)
    assert found != written
    letters = [c for c in found if c.isalpha()]
    assert letters
    assert all(unicodedata.name(c).startswith(script) for c in letters)
    assert (" " in found) is (" " in written)


def test_an_honorific_stays():
    assert VIEW.person(ANNA, Part.LAST, "王先生").endswith("先生")


def test_a_surrogate_is_never_found_by_the_roster_it_hides():
    crowd = [
        RosterEntry(id=n, names=(f"{name} {name}son",)) for n, name in enumerate(sorted(gendered()))
    ]
    table = Table.from_entries(ALIASES, crowd)
    view, roster = Surrogates(b"v" * 32, table), Roster(table)
    for entry in crowd[:150]:
        person = person_of(ALIASES, entry)
        for part, written in (
            (Part.WHOLE, "Aaa Bbb"),
            (Part.FIRST, "aaa"),
            (Part.INITIAL, "A. Bbb"),
            (Part.MAIL, "aaa.bbb7@corp.example"),
            (Part.HANDLE, "aaa_bbb7"),
        ):
            made = view.person(person, part, written)
            assert not roster.find(folded(composed(made))), made


def test_two_keys_give_unrelated_tables():
    people = [bytes([n]) * 8 for n in range(200)]
    one, other = Surrogates(b"1" * 32, TABLE), Surrogates(b"2" * 32, TABLE)
    assert sum(one.names(person) == other.names(person) for person in people) <= 2
    again = Surrogates(b"1" * 32, TABLE)
    assert [one.names(person) for person in people] == [again.names(person) for person in people]


def test_nothing_that_is_kept_in_memory_leads_back():
    view = Surrogates(b"v" * 32, TABLE)
    view.person(PRIYA, Part.WHOLE, "Priya Nair")
    view.value(Kind.EMAIL, "secretive@corp.example")
    kept = repr(vars(view)["_done"])
    assert "Priya" not in kept
    assert "secretive" not in kept
    assert repr(PRIYA)[2:-1] not in kept
    assert view.person(PRIYA, Part.WHOLE, "Priya Nair") in kept


@pytest.mark.parametrize(
    ("kind", "written", "pattern"),
    [
        (Kind.EMAIL, "jane.roe42@corp.example", r"[a-z]+\.[a-z]+\d\d@example\.(org|net|com)"),
        (Kind.PHONE, "+44 7123 456789", r"\+44 7700 900\d{3}"),
        (Kind.PHONE, "020 7123 4018", r"020 7946 0\d{3}"),
        (Kind.PHONE, "(212) 456-7890", r"\([2-9]0\d\) 555-01\d\d"),
        (Kind.PHONE, "+1 212 456 7890", r"\+1 [2-9]0\d 555 01\d\d"),
        (Kind.PHONE, "+33 6 12 34 56 78", r"\+33 6 39 98 \d\d \d\d"),
        (Kind.PHONE, "06 12 34 56 78", r"06 39 98 \d\d \d\d"),
        (Kind.PHONE, "+61 2 9123 4567", r"\+61 2 5550 \d{4}"),
        (Kind.PHONE, "+48 888 689 064", r"\+48 000 000 000"),
        (Kind.IP, "10.20.30.40", r"(192\.0\.2|198\.51\.100|203\.0\.113)\.\d+"),
        (Kind.IP, "fe80::1:2", r"2001:db8::[0-9a-f]+"),
        (Kind.IP, "AA:BB:CC:00:11:22", r"00:00:5E:00:53:[0-9A-F]{2}"),
        (Kind.CARD, "4539 1488 0343 6467", r"4111 11\d\d \d{4} \d{4}"),
        (Kind.BANK, "GB82 WEST 1234 5698 7654 32", r"GB00 [A-Z]{4} \d{4} \d{4} \d{4} \d\d"),
        (Kind.SSN, "123-45-6789", r"000-\d\d-\d{4}"),
        (Kind.URL, "http://corp.example/a?b=c", r"https://example\.org/[a-z]{6}"),
        (Kind.HANDLE, "@some_one", r"@example_[a-z]+"),
        (Kind.HEALTH, "asthma", r"\[health\]"),
    ],
)
def test_a_value_keeps_its_format_and_lies_in_a_range_that_is_nobodys(kind, written, pattern):
    made = VIEW.value(kind, written)
    assert re.fullmatch(pattern, made), made
    assert made == VIEW.value(kind, written)
    assert is_ours(kind, made)
    assert not is_ours(kind, written)


def test_a_stranger_found_by_a_model_keeps_one_name_word_by_word():
    assert VIEW.value(Kind.PERSON, "Anna Kowal").split()[0] == VIEW.value(Kind.PERSON, "Anna")
    assert VIEW.value(Kind.PERSON, "ANNA").isupper()


def test_even_a_roster_of_every_listed_name_leaves_names_that_are_nobodys():
    listed = (*given_names(), *family_names())
    table = Table.from_entries(
        ALIASES, [RosterEntry(id=n, names=(x,)) for n, x in enumerate(listed)]
    )
    for name in Surrogates(b"v" * 32, table).names(b"p" * 8):
        assert table.get(name.lower()) is None


def test_someone_known_by_digests_alone_has_the_same_surrogate():
    claims = [
        Claim(ALIASES.folded(alias.text), ANNA, alias.part)
        for alias in entries("name:Anna Maria Lopez")
    ]
    assert Surrogates(b"v" * 32, Table.of(ALIASES, claims)).names(ANNA) == VIEW.names(ANNA)
