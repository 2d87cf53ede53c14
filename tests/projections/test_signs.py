"""The signs that spare rules a look hide nothing: what is found is the same without them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.redaction import decode, secrets, shapes, signs, terms
from projections.redaction.canaries import Person, plant
from projections.redaction.fold import composed, folded
from projections.redaction.pipeline import Redactor
from projections.redaction.roster import _HUMPED, _NUMBER, Roster, RosterEntry
from projections.redaction.shapes import contact, network
from projections.redaction.table import Table
from projections.redaction.terms import ages, pay
from tests.projections.world import Nobody
from vault.aliases import Aliases, fold_character
from vault.consent import Profile

ALIASES = Aliases(b"s" * 32)
ZOFIA = RosterEntry(
    id=1, names=("Zofia Brzezik",), emails=("zofia.b@kruk.pl",), phones=("+48 512 345 678",)
)
TABLE = Table.from_entries(ALIASES, [ZOFIA])
SPELLED = re.compile(contact._AT.pattern + contact._SPELLED_HOST.pattern)


@pytest.fixture(scope="module", autouse=True)
def scanning():
    """Look for signs from the first text on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signs, "_WORTH", 0)
        yield


GUARDED = [
    (signs.NUMBER, _NUMBER),
    (signs.HUMP, _HUMPED),
    (signs.ESCAPED, decode._ESCAPED),
    (signs.SPACED_HEX, decode._SPACED_HEX),
    (signs.COUNTED, decode._COUNTED_GATE),
    (signs.SPACED, decode._SPACED_GATE),
    (signs.BROKEN, decode._BROKEN),
    (signs.NAMED_HOST, network._TLD),
    (signs.MACHINE, network._COLON),
    (signs.SPELLED, SPELLED),
    (signs.PAY | signs.DIGIT, pay._AMOUNT),
    (signs.PAY | signs.DIGIT, pay._BARE),
    *((signs.AGE, pattern) for _, pattern in ages._PATTERNS),
]


@pytest.mark.parametrize(("sign", "pattern"), GUARDED)
def test_what_a_rule_matches_bears_its_sign(sign, pattern):
    @settings(max_examples=20, deadline=None)
    @given(st.text(max_size=4), st.from_regex(pattern), st.text(max_size=4))
    def holds(before, match, after):
        for written in (match, match.lower()):
            fold = folded(composed(before + written + after))
            if pattern.search(fold.lower) or pattern.search(fold.text):
                assert signs.signs(fold.text) & sign == sign

    holds()


def test_no_character_is_left_that_is_a_digit_or_becomes_ascii_in_lower_case():
    every = (chr(code) for code in range(128, sys.maxunicode + 1))
    left = {c for one in every for c in fold_character(one) if not c.isascii()}
    assert not [c for c in left if c.isdecimal()]
    assert not [c for c in left if any(map(str.isascii, c.lower()))]


CANARIES = [c.text for c in plant(3, [Person("Zofia Brzezik", ZOFIA.emails, ZOFIA.phones, ())])]
FRAGMENTS = [
    *("Zofia", "TeamZofia", "zofia.b@kruk.pl", "call +48 512 345 678", "zofia at kruk dot pl"),
    *(
        "I am 34",
        "thirty-two years old",
        "age: 7",
        "25yo",
        "mam 30 lat",
        "12 ans",
        "is 9 jahre alt",
    ),
    *("$85,000 a year", "earns 40k", "20 € per hour", "salary of 1.200", "zarabiam 5000 zl"),
    *("so.com", "example.org/x", "::1", "aa-bb-cc-dd-ee-ff", "fe80::1%eth0", "dead.beef.cafe"),
    *("%41nna", "&amp;", "\\u0041", "=C3=A9", "=\n", "Z o f i a  B r z e z i k", "4O12 888I"),
    *("12 mg of ibuprofen", "in a wheelchair", "type 2 diabetes", "nurse at Acme", "a catholic"),
    *(
        "password: hunter22x",
        "AKIAIOSFODNN7EXAMPLE",
        "code 4821",
        "512\n345\n678",
        "5a 6f 66 69 61",
    ),
    *(" ", "\n", "é", "\U0001f600", "\ud800", "\u200b", "Ж", "王", ".", ":", "1", "K\u212a"),
]


PIECES = st.one_of(st.sampled_from(FRAGMENTS), st.sampled_from(CANARIES))


def found(text):
    roster = Roster(TABLE)
    return [
        [layer.text, *roster.find(layer), *shapes.find(layer), *shapes.by_form(layer),
         *secrets.find(layer), *terms.find(layer)]
        for layer in decode.layers(composed(text))
    ]  # fmt: skip


def looked_for_everywhere(text):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signs, "signs", lambda _: signs.EVERY)
        return found(text)


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=8), st.sampled_from(["", " "]))
def test_what_is_found_is_the_same_when_every_rule_looks_for_itself(parts, between):
    text = between.join(parts)
    assert found(text) == looked_for_everywhere(text)


def test_each_piece_and_each_planted_canary_is_found_the_same():
    for text in FRAGMENTS + CANARIES:
        assert found(text) == looked_for_everywhere(text)


def test_redaction_goes_on_where_hyperscan_is_not_installed():
    code = (
        "import sys; sys.modules['hyperscan'] = None\n"
        "from projections.redaction import signs\n"
        "print(signs.signs('nothing' * 10_000) == signs.EVERY)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.stdout == "True\n"


@settings(max_examples=50, deadline=None)
@given(st.lists(PIECES, max_size=12), st.sampled_from(list(Profile)))
def test_many_texts_at_once_become_what_each_becomes_alone(texts, profile):
    def redactor():
        return Redactor.of_view(TABLE, Nobody(), b"v" * 32)

    alone = redactor()
    assert redactor().redact_all(texts, profile) == [alone.redact(t, profile) for t in texts]
