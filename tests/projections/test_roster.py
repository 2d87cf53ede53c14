"""Known people are found however they are written, and nobody else is taken for them."""

import json
from itertools import pairwise

import pytest

from projections.redaction.fold import composed, folded
from projections.redaction.kinds import Kind
from projections.redaction.roster import (
    Claim,
    Roster,
    RosterEntry,
    Table,
    load_roster,
    person_of,
)
from tests.linear import growth
from vault.aliases import Aliases, Part, entries
from vault.errors import UsageError

ALIASES = Aliases(b"a" * 32)
PEOPLE = (
    RosterEntry(
        id="priya",
        names=("Priya Nair",),
        emails=("pn@corp.example",),
        handles=("nair_p77",),
        phones=("+44 20 7123 4018",),
        addr="14 Mill Lane, Hexham, NE46 1AB",
    ),
    RosterEntry(id="jane", names=("Jane Margaret Smith",)),
    RosterEntry(id="will", names=("Will Green",)),
    RosterEntry(id="sam1", names=("Sam Jones",)),
    RosterEntry(id="sam2", names=("Sam Baker",)),
    RosterEntry(id="jan", names=("Jan Kowalski",)),
    RosterEntry(id="anna", names=("Anna Nowicka",)),
    RosterEntry(id="berg", names=("Joost van der Berg",)),
    RosterEntry(id="mario", names=("Mario Esposito",)),
    RosterEntry(id="maria", names=("Maria Bianchi",)),
    RosterEntry(id="wang", names=("王小明",)),
    RosterEntry(id="tanaka", names=("田中 太郎",)),
    RosterEntry(id="kim", names=("김민수",)),
    RosterEntry(id="cyril", names=("Зоя Щукина",)),
    RosterEntry(id="arab", names=("نورة الشمري",)),
    RosterEntry(id="jose", names=("José García Márquez",)),
)
TABLE = Table.from_entries(ALIASES, PEOPLE)
ROSTER = Roster(TABLE)
IDS = {person_of(ALIASES, entry): entry.id for entry in PEOPLE}


def find(text, roster=ROSTER):
    text = composed(text)
    fold = folded(text)
    return [
        (text[slice(*fold.span(f.start, f.end))], IDS[f.known.person], f.kind)
        for f in roster.find(fold)
    ]


def people(text):
    return [(written, person) for written, person, _ in find(text)]


@pytest.mark.parametrize(
    ("text", "written", "person"),
    [
        ("told priya about it", "priya", "priya"),
        ("PRIYA NAIR!", "PRIYA NAIR", "priya"),
        ("Nair, Priya", "Nair, Priya", "priya"),
        ("P. Nair", "P. Nair", "priya"),
        ("Nair, P.", "Nair, P", "priya"),
        ("Priya N. wrote", "Priya N", "priya"),
        ("hi Priyas, ", "Priyas", "priya"),
        ("priyaaaa where", "priyaaaa", "priya"),
        ("#priyanair", "priyanair", "priya"),
        ("@PriyaNair", "PriyaNair", "priya"),
        ("@nair_p77 hi", "nair_p77", "priya"),
        ("priya_nair", "priya_nair", "priya"),
        ("TeamPriya", "Priya", "priya"),
        ("#PrayForPriya", "Priya", "priya"),
        ("Pr1ya", "Pr1ya", "priya"),
        ("priya92", "priya92", "priya"),
        ("Pri\u200bya", "Pri\u200bya", "priya"),
        ("\u0420riya", "\u0420riya", "priya"),
        ("Jane M. Smith", "Jane M. Smith", "jane"),
        ("J. M. Smith", "J. M. Smith", "jane"),
        ("Jane Smith", "Jane Smith", "jane"),
        ("Margaret wrote", "Margaret", "jane"),
        ("Janie Smith", "Janie Smith", "jane"),
        ("van der Berg said", "van der Berg", "berg"),
        ("Mr Berg", "Berg", "berg"),
        ("do Kowalskiego", "Kowalskiego", "jan"),
        ("z Kowalskim", "Kowalskim", "jan"),
        ("o Kowalskiej", "Kowalskiej", "jan"),
        ("list do Anny", "Anny", "anna"),
        ("o Annie mowa", "Annie", "anna"),
        ("Annas Haus", "Annas", "anna"),
        ("Pepe Márquez", "Pepe Márquez", "jose"),
        ("José García", "José García", "jose"),
        ("昨天王小明来了", "王小明", "wang"),
        ("王先生好", "王先生", "wang"),
        ("田中さんは", "田中さん", "tanaka"),
        ("태그: 김민수입니다", "김민수", "kim"),
        ("김 씨", "김 씨", "kim"),
        ("видел Зоя Щукина", "Зоя Щукина", "cyril"),
        ("قالت نورة الشمري", "نورة الشمري", "arab"),
    ],
)
def test_a_known_person_is_found_in_every_written_form(text, written, person):
    assert (written, person) in people(text)


@pytest.mark.parametrize("written", ["Kowlaski", "Kowalki", "Kowallski", "Kowelski", "Kowalskj"])
def test_a_mistyped_name_is_found(written):
    assert people(f"and {written} came") == [(written, "jan")]


@pytest.mark.parametrize(
    "text",
    [
        "the green house",  # Green: a word
        "a Greek island",  # one letter from Green
        "marta came",  # an ordinary name, one letter from Maria and Mario
        "the nairobi flight and the priyamvada book",
        "i will go, will you come? Will you?",
        "hope i can",
        "in berlin",
    ],
)
def test_ordinary_words_and_other_names_are_nobodys(text):
    assert people(text) == []


def test_two_known_names_one_letter_apart_stay_two_people():
    assert people("Mario and Maria") == [("Mario", "mario"), ("Maria", "maria")]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("we saw Will there", True),
        ("told will about it", True),
        ("will's bike", True),
        ("Will said no", True),
        ("WILL and Priya came", True),
        ("Will you come", False),
        ("i will go", False),
        ("he will said she", False),
    ],
)
def test_a_name_that_is_a_word_is_found_where_its_neighbours_say_so(text, meant):
    assert ("will" in {person for _, person in people(text)}) is meant


def test_a_shared_name_means_whoever_is_named_more_fully_beside_it():
    assert people("Sam came") == [("Sam", "sam1")]
    assert people("Sam Baker came. Sam left") == [("Sam Baker", "sam2"), ("Sam", "sam2")]
    assert people("Sam left. So did Baker") == [("Sam", "sam2"), ("Baker", "sam2")]


def test_initials_alone_mean_somebody_only_beside_a_longer_form():
    assert people("JM said so") == []
    assert people("PN said so") == []
    assert people("Priya came. PN left") == [("Priya", "priya"), ("PN", "priya")]


@pytest.mark.parametrize(
    ("text", "written", "kind"),
    [
        ("write pn@corp.example", "pn@corp.example", Kind.EMAIL),
        ("write PN+shop@corp.example", "PN+shop@corp.example", Kind.EMAIL),
        ("priya.nair@other.example", "priya.nair@other.example", Kind.EMAIL),
        ("pnair42@other.example", "pnair42@other.example", Kind.EMAIL),
        ("call 020 7123 4018 8pm", "020 7123 4018", Kind.PHONE),
        ("call +44(0)20-7123-4018", "+44(0)20-7123-4018", Kind.PHONE),
        ("0044 20 71234018 ext. 5", "0044 20 71234018 ext. 5", Kind.PHONE),
        ("at 14 mill lane, hexham", "14 mill lane", Kind.ADDRESS),
        ("14 Mill Ln", "14 Mill Ln", Kind.ADDRESS),
        ("14 Mill Lane, Hexham, NE46 1AB.", "14 Mill Lane, Hexham, NE46 1AB", Kind.ADDRESS),
    ],
)
def test_mails_numbers_and_addresses_are_their_persons(text, written, kind):
    assert find(text) == [(written, "priya", kind)]


def test_who_takes_part_in_more_has_a_shared_name_whatever_the_order_of_claims():
    few, many = ALIASES.person("few"), ALIASES.person("many")
    claims = [
        Claim(ALIASES.folded(alias.text), person, alias.part, uses)
        for person, uses, name in ((few, 1, "Sam Jones"), (many, 9, "Sam Baker"))
        for alias in entries(name)
    ]
    table, other = Table.of(ALIASES, claims), Table.of(ALIASES, reversed(claims))
    assert table.get("sam").person == many
    assert table.digest == other.digest
    assert {known.person for known in table.sharing("sam")} == {few, many}
    stated = [Claim(ALIASES.folded("sam"), few, Part.FIRST, 0)]
    nick = [Claim(ALIASES.folded("sam"), many, Part.NICK, 99)]
    assert Table.of(ALIASES, nick + stated).get("sam").person == few


def test_a_roster_is_read_and_what_is_wrong_with_it_is_said(tmp_path):
    path = tmp_path / "roster.json"
    path.write_text(json.dumps([{"id": 1, "names": ["A B"]}, {"id": 2, "names": "C"}]))
    with pytest.raises(UsageError, match=r"Entry 2 of the roster .*roster\.json is wrong"):
        load_roster(path)
    path.write_text("{}")
    with pytest.raises(UsageError, match="not a list"):
        load_roster(path)
    with pytest.raises(UsageError, match="not a list"):
        load_roster(tmp_path / "missing")
    path.write_text(json.dumps([{"id": 1, "names": ["A B"], "emails": ["a@b.example"], "x": 1}]))
    assert load_roster(path)[0].emails == ("a@b.example",)


def test_what_is_found_lies_in_order_and_never_overlaps():
    text = folded("Priya Nair pn@corp.example 020 7123 4018 PriyaNair Nair, Priya, Will & Sam")
    found = ROSTER.find(text)
    assert all(a.end <= b.start for a, b in pairwise(found))
    assert len(found) == 7


@pytest.mark.parametrize(
    "bomb",
    ["Sam " * 30_000, "Sam Baker " * 15_000, "priya" * 20_000, "aA" * 50_000, "1 " * 50_000,
     "a@" * 50_000, "王" * 50_000, "Priy " * 30_000, "x" * 100_000, "\ud800" * 1000, "J. " * 30_000],
)  # fmt: skip
def test_time_is_linear(bomb):
    assert (
        growth(lambda size: Roster(TABLE).find(folded(bomb[:size])), len(bomb) // 8, len(bomb)) < 30
    )


def test_a_crowd_becomes_a_table_of_few_bytes_and_is_found():
    crowd = [RosterEntry(id=n, names=(f"Nomen{n:05d}x Familia{n:05d}",)) for n in range(2000)]
    table = Table.from_entries(ALIASES, crowd)
    assert table.get("nomen00007x").person == person_of(ALIASES, crowd[7])


BEL = Roster(
    Table.from_entries(
        ALIASES,
        [
            RosterEntry(id="isabel", names=("Isabel Duarte",)),
            RosterEntry(id="will", names=("Will Green",)),
            RosterEntry(id="summer", names=("Summer Hale",)),
            RosterEntry(id="priya", names=("Priya Nair",)),
        ],
    )
)


def _written(text: str) -> list[str]:
    return [text[one.start : one.end] for one in BEL.find(folded(text))]


@pytest.mark.parametrize(
    "text",
    [
        "watch #USAvsBEL now",
        "Will Apple do it again?",
        "I Will Marry Him",
        "so hyped for Summer 2012",
        "poppies in Summer Sun",
    ],
)
def test_abbreviations_verbs_and_seasons_are_nobodys_names(text: str) -> None:
    assert _written(text) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("go #TeamPRIYA", "PRIYA"),
        ("Will Apple visit, he said.", "Will"),
        ("with Will Marry came", "Will"),
        ("told Summer that", "Summer"),
    ],
)
def test_names_that_are_words_too_are_found_beside_them(text: str, name: str) -> None:
    assert name in _written(text)
