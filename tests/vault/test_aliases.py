"""Names under a key: found however they are spelled, and telling nothing without the key."""

import pytest

from vault.aliases import Aliases, Part, fold, forms

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
    assert parts("name:Dr. Elizabeth Stone") == {
        ("elizabeth stone", Part.WHOLE),
        ("stone elizabeth", Part.REVERSED),
        ("e stone", Part.INITIAL),
        ("elizabeth s", Part.SHORT),
        ("elizabethstone", Part.HANDLE),
        ("elizabeth", Part.FIRST),
        ("stone", Part.LAST),
        *((f"{nick} stone", Part.WHOLE) for nick in ("liz", "beth", "lizzie", "eliza", "betty")),
        *((nick, Part.FIRST) for nick in ("liz", "beth", "lizzie", "eliza", "betty")),
    }
    assert parts("Stone, Elizabeth") == parts("Elizabeth Stone")


def test_words_that_name_nobody_are_no_aliases():
    assert parts("BBC News Team") == {("bbc news team", Part.WHOLE)}
    assert parts("Mum") == set()
    assert ("rosa", Part.FIRST) in parts("Aunt Rosa")
    assert ("joao felipe", Part.FIRST) in parts("João Felipe Souza")
    assert "van" not in {text for text, _ in parts("Jan van Berg")}


def test_addresses_numbers_handles_and_unspaced_names_have_forms_of_their_own():
    assert parts("mailto:P@X.example") == {("p@x.example", Part.MAIL)}
    assert parts("tel:+44 7700 900123") == {("700900123", Part.PHONE)}
    assert parts("@priya_n") == {("priya n", Part.HANDLE)}
    assert parts("王小明") == {("王 小 明", Part.WHOLE)}


def test_folding_takes_accents_and_disguises_away_and_keeps_case():
    assert fold("Zo\u0308e\u0301 Stra\u00dfe \ufeffA") == "Zoe Strasse A"


def test_a_newsletter_lends_its_article_to_nobody():
    found = {alias.text for alias in forms("The Escapement")}
    assert "the escapement" in found
    assert "the" not in found
