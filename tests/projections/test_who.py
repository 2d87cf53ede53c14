"""Forms, and which of them are one person's, whatever the order in which they became known."""

import itertools
import random

import pytest

from projections.who import carded, forms_of, identifying, joined, namesakes


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Priya Nair", "Nair, Priya"),
        ("Priya Nair", "name:PRIYA  NAIR"),
        ("Priya Nair", "Priya Nair (Acme)"),
        ("Priya Nair", "Dr. Priya Nair"),
        ("Priya Nair", '"Priya Nair"'),
        ("Priya Nair", "Nair, Priya [Acme] (she)"),
        ("Priya Nair", "Priya Nair via Docs"),
        ("Priya Nair", "Priya Nair, PhD"),
        ("José Álvarez", "Alvarez, Jose"),
        ("山田太郎", "山田 太郎"),
        ("mailto:Priya.N@X.example", "priya.n@x.example"),
        ("mailto:priya@x.example", "<priya@x.example>"),
        ("tel:+447911123456", "07911 123456"),
        ("tel:+44 7911 123-456", "tel:(07911) 123456"),
        ("acct:priya@social.example", "@priya@social.example"),
    ],
)
def test_spellings_of_one_name_or_address_share_a_form(one, other):
    assert set(forms_of(one)) & set(forms_of(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Priya Nair", "Priya Menon"),
        ("Team (London)", "Team (Paris)"),
        ("Baker & Sons, Leeds", "Leeds Baker Sons"),
        ("Baker, Inc", "Inc Baker"),
        ("priya.n@x.example", "priyan@x.example"),
        ("tel:07911123456", "tel:07911123457"),
        ("@priya", "Priya"),
    ],
)
def test_different_names_and_addresses_share_none(one, other):
    assert not set(forms_of(one)) & set(forms_of(other))


def test_what_identifies_nobody_beside_an_address_is_no_form_of_hers():
    assert identifying("mailto:p@x.example", "Priya") == (("p@x.example",),)
    assert identifying("", "Priya") == (("priya",),)
    assert identifying("mailto:p@x.example", "Priya Nair") == (("p@x.example", "priya nair"),)
    assert identifying("adr:12 Rowan Road, Leeds", "") == ()


def test_an_address_from_which_a_service_writes_for_many_is_nobodys():
    named, own = identifying("mailto:notifications@forge.example", "Priya Nair")
    assert (named, own) == (("priya nair",), ("notifications@forge.example",))
    assert len(identifying("mailto:natalie.updike@x.example", "Natalie Updike")) == 1


def test_who_is_listed_twice_is_two_people():
    listed = [
        ("mailto:tom@x.example", "Tom Baker"),
        ("mailto:tb@y.example", "Baker, Tom"),
        ("mailto:TOM@x.example", "Tom Baker (Acme)"),
        ("mailto:p@x.example", "Priya"),
        ("mailto:pp@x.example", "Priya"),
    ]
    assert list(namesakes(listed)) == [("tom baker", ("tb@y.example", "tom@x.example"))]


def test_all_that_a_contact_states_is_one_persons():
    card = carded(
        [("", "Mum"), ("tel:+4479", ""), ("mailto:r@x.example", "Ruth Nair"), ("adr:1 A Rd", "")]
    )
    assert card == (
        ("tel:+4479", "Mum"),
        ("tel:+4479", ""),
        ("mailto:r@x.example", "Ruth Nair"),
        ("tel:+4479", "adr:1 A Rd"),
    )


A, B, C, D, E = (bytes([n]) for n in range(5))


def sets(groups, apart):
    both = {}
    for one, other in apart:
        both.setdefault(one, set()).add(other)
        both.setdefault(other, set()).add(one)
    found = joined(groups, both)
    return {
        frozenset(d for d in (A, B, C, D, E) if found.find(d) == r) for r in (A, B, C, D, E)
    } - {frozenset()}


def test_a_name_between_two_who_are_apart_is_neithers():
    assert sets([[A, C], [B, C]], [(A, B)]) == {
        frozenset({A}),
        frozenset({B}),
        frozenset({C}),
        frozenset({D}),
        frozenset({E}),
    }


def test_a_group_that_holds_two_who_are_apart_does_not_join_them():
    assert frozenset({A}) in sets([[A, B]], [(A, B)])


def test_no_way_round_joins_two_who_are_apart():
    found = sets([[A, C], [C, D], [D, E], [E, B]], [(A, B)])
    assert found == {frozenset({A, C, D, E}), frozenset({B})}


def test_sets_depend_on_the_links_alone():
    """However often and in whatever order they are stated, alone or within a larger group."""
    dice = random.Random(7)
    pairs = list(itertools.combinations((A, B, C, D, E), 2))
    for _ in range(300):
        links, apart = dice.sample(pairs, 5), dice.sample(pairs, 2)
        expected = sets(links, apart)
        again = dice.sample(links, 5) + dice.choices(links, k=3)
        assert sets(again, apart) == expected
        for one, other in apart:
            assert not any({one, other} <= found for found in expected)
        closed = [
            list(group)
            for group in itertools.combinations((A, B, C, D, E), 3)
            if all(pair in links for pair in itertools.combinations(group, 2))
        ]
        assert sets(links + closed, apart) == expected
