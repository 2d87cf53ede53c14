"""Names under a key: found however they are spelled, and telling nothing without the key."""

import hmac

import pytest

from vault.aliases import Aliases, Part, entries, fold, forms, mistyped, phone, phones

ALIASES = Aliases(b"k" * 32)


def parts(text):
    return {(alias.text, alias.part) for alias in forms(text)}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Priya Nair", "priya  NAIR"),
        ("Zoë", "zoe"),
        ("Priya", "Pri\u200bya"),
        ("Priya", "\u0420riya"),  # a Cyrillic letter that looks like P
        ("\uff30riya", "Priya"),
        ("Müller", "Mu\u0308ller"),
        ("a@B.example", "A@b.EXAMPLE"),
        ("+44 7700 900123", "07700 900-123"),
    ],
)
def test_spellings_of_one_alias_share_a_digest(one, other):
    assert ALIASES.digest(one) == ALIASES.digest(other)


def test_digests_differ_between_aliases_keys_and_uses():
    digests = {
        ALIASES.digest("priya"),
        ALIASES.digest("priya nair"),
        ALIASES.start("priya"),
        ALIASES.identity("priya"),
        Aliases(b"x" * 32).digest("priya"),
    }
    assert len(digests) == 5
    assert all(len(digest) == 16 for digest in digests)
    assert len(ALIASES.person("priya")) == 8


def test_a_name_is_known_by_its_parts_and_short_forms():
    assert {
        ("elizabeth stone", Part.WHOLE),
        ("stone elizabeth", Part.REVERSED),
        ("e stone", Part.INITIAL),
        ("stone e", Part.INITIAL),
        ("elizabeth s", Part.SHORT),
        ("elizabethstone", Part.HANDLE),
        ("estone", Part.HANDLE),
        ("elizabeth", Part.FIRST),
        ("stone", Part.LAST),
        ("es", Part.INITIALS),
        *((nick, Part.NICK) for nick in ("liz", "beth", "lizzie", "eliza", "betty", "lisa")),
    } <= parts("name:Dr. Elizabeth Stone")
    assert parts("Stone, Elizabeth") == parts("Elizabeth Stone") == parts("Frau Elizabeth Stone")


@pytest.mark.parametrize(
    ("name", "nick"),
    [
        ("William", "bill"), ("Friedrich", "fritz"), ("Elisabeth", "lisa"), ("Pierre", "pierrot"),
        ("Francisco", "paco"), ("José", "pepe"), ("Giuseppe", "beppe"), ("José", "zé"), ("Willem", "pim"),
        ("Małgorzata", "gosia"), ("Katarzyna", "kasia"), ("Jean-François", "jeff"),
    ],
)  # fmt: skip
def test_short_forms_of_eight_languages_are_known_and_imply_nobody(name, nick):
    assert (fold(nick), Part.NICK) in parts(name)
    assert not any(text == fold(name).lower() for text, _ in parts(nick))


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (
            "Jan van der Berg",
            {"jan van der berg", "van der berg", "berg", "j berg", "janvanderberg"},
        ),
        ("Rosa de la Cruz", {"rosa de la cruz", "de la cruz", "cruz", "rosa cruz", "r cruz"}),
        ("Elizabeth O'Brien", {"o brien", "obrien", "elizabeth o brien", "e o brien"}),
        (
            "Anna-Lena Müller-Schmidt",
            {"anna lena", "annalena", "anna", "muller schmidt", "schmidt"},
        ),
        ("João Felipe Souza", {"joao souza", "joao felipe", "j f souza", "felipe", "joao f souza"}),
    ],
)
def test_particles_hyphens_apostrophes_and_middle_names_are_understood(name, found):
    texts = {text for text, _ in parts(name)}
    assert found <= texts
    assert not texts & {"van", "der", "de", "la", "o"}


def test_what_a_roster_holds_of_a_name_includes_beginnings_and_what_finds_typos():
    found = {(alias.text, alias.part) for alias in entries("name:Ana Maria Varga")}
    assert {(text, part) for text, part in found if part is Part.START} >= {
        ("ana ", Part.START),
        ("ana maria ", Part.START),
    }
    assert ("~varga", Part.TYPO_LAST) in found
    assert ("~maria", Part.TYPO) in found
    assert not any(text.startswith("~ana") for text, _ in found)  # others are a letter away
    held = {text for text, part in found if part is Part.TYPO_LAST}
    for written in ("vrga", "varrga", "vasga", "vagra"):
        assert held.intersection(mistyped(written)), written
    for written in ("varg", "vara"):
        assert held.intersection(mistyped(written)), written
    for written in ("grava", "virgo", "garva"):
        assert not held.intersection(mistyped(written)), written


def test_digests_are_the_standard_hmac_of_what_they_stand_for():
    key = hmac.digest(b"k" * 32, b"twinvault alias", "sha256")
    assert ALIASES.folded("priya") == hmac.digest(key, b"priya", "sha256")[:16]


def test_words_that_name_nobody_are_no_aliases():
    assert parts("BBC News Team") == {("bbc news team", Part.WHOLE)}
    assert parts("Mum") == set()
    assert ("rosa", Part.FIRST) in parts("Aunt Rosa")
    assert ("joao felipe", Part.FIRST) in parts("João Felipe Souza")
    assert "van" not in {text for text, _ in parts("Jan van Berg")}


def test_addresses_numbers_handles_and_unspaced_names_have_forms_of_their_own():
    assert parts("mailto:P+shop@X.example") == {
        ("p+shop@x.example", Part.MAIL),
        ("p@x.example", Part.MAIL),
    }
    assert parts("tel:+44 7700 900123") == {("700900123", Part.PHONE)}
    assert parts("@priya_n") == {("priya n", Part.HANDLE), ("priyan", Part.HANDLE)}
    assert parts("王小明") >= {("王 小 明", Part.WHOLE), ("王 *", Part.LAST), ("小 明", Part.FIRST)}
    assert parts("田中 太郎") >= {("田 中 太 郎", Part.WHOLE), ("田 中", Part.LAST)}
    assert parts("김민수") >= {("김 민 수", Part.WHOLE), ("민 수", Part.FIRST), ("김 *", Part.LAST)}


@pytest.mark.parametrize(
    ("stated", "written"),
    [
        ("+49 3783 256748", "+49(0)3783 256748"),
        ("+49 3783 256748", "03783/256748"),
        ("+33 5 57 66 83 64", "05 57 66 83 64"),
        ("285.882.7084x256", "(285) 882-7084"),
        ("+45 32 12 34 56", "32 12 34 56"),
        ("001-410-698-3263", "410 698 3263 ext. 12"),
    ],
)
def test_a_number_is_the_same_in_national_and_international_spelling(stated, written):
    assert set(phones(stated)) & set(phones(written))
    assert phone("12 May 2020") == ""


def test_an_address_is_known_whole_and_by_its_street():
    found = {text for text, part in parts("adr:20, boulevard Bonnet, 73699 Girard") if part}
    assert {"20 boulevard bonnet 73699 girard", "20 boulevard bonnet", "20 blvd bonnet"} <= found
    assert "flat 3" not in {text for text, _ in parts("adr:Flat 3, Mill Lane, Hexham")}


def test_folding_takes_accents_and_disguises_away_and_keeps_case():
    assert fold("Zo\u0308e\u0301 Stra\u00dfe \ufeffA") == "Zoe Strasse A"


def test_a_newsletter_lends_its_article_to_nobody():
    found = {alias.text for alias in forms("The Escapement")}
    assert "the escapement" in found
    assert "the" not in found
