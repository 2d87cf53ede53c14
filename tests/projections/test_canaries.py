"""Canaries look real, are seen under every disguise, and are counted without flattery."""

import ipaddress

import pytest

from projections.drafts import drafts_of
from projections.redaction.canaries import Canary, Person, estimate, plant, survived, upper_bound
from projections.redaction.canaries.disguises import DISGUISES
from projections.redaction.canaries.values import luhn
from projections.redaction.kinds import Kind
from projections.threads import Allowed, Thread
from vault.consent import SENSITIVE, Decision
from vault.events import PairReviewed

ZOFIA = Person("Zofia Brzezik", ("zofia.b@kruk.pl",), ("+48 512 345 678",), ("zosia_bk",))


def planted(**rest):
    return list(plant(1, [ZOFIA], unknown=20, **rest))


def iban_rest(text: str) -> int:
    whole = text.replace(" ", "")
    return int("".join(str(int(c, 36)) for c in whole[4:] + whole[:4])) % 97


def test_every_canary_is_seen_in_its_own_text_and_not_in_its_carrier():
    for canary in planted(rounds=3):
        assert survived(canary, canary.text), canary
        assert not survived(canary, canary.carrier), canary


def test_every_kind_is_planted_under_plain_and_under_every_disguise_that_suits_some_kind():
    seen = {(canary.kind, canary.encoding) for canary in planted()}
    for kind in (Kind.CARD, Kind.BANK, Kind.EMAIL, Kind.PHONE, Kind.SSN, Kind.ID, Kind.IP):
        assert (kind, "plain") in seen
    assert {encoding for _, encoding in seen} == set(DISGUISES)
    assert (Kind.SECRET, "upper") not in seen


def test_check_digits_are_right_and_hosts_are_public():
    plain = [c for c in planted(rounds=20) if c.encoding == "plain" and not c.known]
    cards = [c.secret for c in plain if c.kind is Kind.CARD]
    digits = ["".join(filter(str.isdigit, card)) for card in cards]
    assert digits
    assert all(luhn(number[:-1]) == number[-1] for number in digits)
    assert all(iban_rest(c.secret) == 1 for c in plain if c.kind is Kind.BANK)
    assert all(ipaddress.ip_address(c.secret).is_global for c in plain if c.kind is Kind.IP)


@pytest.mark.parametrize("number", ["7992739871", "411111111111111"])
def test_the_check_digit_of_a_card_is_that_of_the_standard(number):
    assert luhn(number) == {"7992739871": "3", "411111111111111": "1"}[number]


def test_the_same_seed_plants_the_same_and_another_seed_something_else():
    assert planted() == planted()
    assert [c.secret for c in plant(1)] != [c.secret for c in plant(2)]


def test_half_a_card_is_no_trace_and_most_of_it_is():
    card = next(c for c in planted() if (c.kind, c.form) == (Kind.CARD, "run"))
    assert not survived(card, f"card ending in {card.secret[-4:]}")
    assert not survived(card, f"card {card.secret[:8]}")
    assert survived(card, f"card {card.secret[:12]}")


def test_one_name_of_a_person_is_a_trace_in_any_reading():
    canary = next(c for c in planted() if (c.kind, c.form) == (Kind.PERSON, "full"))
    assert survived(canary, "lunch with B R Z E Z I K")
    assert survived(canary, "lunch with &#66;rzezik")
    assert survived(canary, "lunch with Br%7Aezik")
    assert not survived(canary, "lunch with Maren Olsby")


def test_what_the_carrier_says_anyway_is_no_trace():
    canary = Canary(
        "will you ask Will Odder?",
        "Will Odder",
        Kind.PERSON,
        "full",
        "plain",
        True,
        "will you ask ?",
    )
    assert not survived(canary, "will you ask Maren Olsby?")
    assert survived(canary, "will you ask Maren Odder?")


def test_nothing_survives_where_all_is_masked_or_held_back():
    for redact in (lambda _: "[masked]", lambda _: None):
        risk = estimate(redact, planted())
        assert not risk.survivors
        assert all(share.survived == 0 < share.upper for share in risk.shares)


def test_everything_survives_where_nothing_is_masked_and_groups_are_apart():
    risk = estimate(str, planted())
    assert len(risk.survivors) == sum(share.planted for share in risk.shares)
    assert {"known people", "unknown people", "card"} <= {share.group for share in risk.shares}
    assert all(share.share == 1 == share.upper for share in risk.shares)


@pytest.mark.parametrize(
    ("hits", "of", "bound"),
    [(0, 100, 0.0295), (0, 10, 0.2589), (1, 20, 0.2161), (5, 50, 0.1987), (3, 3, 1.0), (0, 0, 1.0)],
)
def test_the_upper_bound_is_that_of_clopper_and_pearson(hits, of, bound):
    assert upper_bound(hits, of) == pytest.approx(bound, abs=2e-4)


def test_no_canary_of_a_known_person_or_a_checked_form_is_in_a_row_of_a_view(world):
    canaries = [c for c in planted() if c.known or c.kind is not Kind.PERSON]
    world.collect(
        world.item(
            "hello", "message.chat.direct.received", with_="mailto:zofia.b@kruk.pl|Zofia Brzezik"
        ),
        world.item("hi", "message.chat.direct.received", with_="tel:+48512345678|Zofia Brzezik"),
        world.item("ho", "message.chat.direct.received", with_="name:zosia_bk|zosia_bk"),
    )
    ids = world.collect(
        *(
            world.item(f"{canary.text}\nno {number}", minute=1000 + 420 * number)
            for number, canary in enumerate(canaries)
        )
    )
    for type_ in ("message", *SENSITIVE):  # whatever a secret is taken for
        world.allow(type_, redact="strict")
    # They are alike, and no sense is in them: only her word makes examples of all of them.
    for stored in world.follow().timeline.load(ids):
        thread = Thread("", (Allowed(stored.id, stored.item, Decision(permitted=True, reason="")),))
        world.log.add(
            *(
                PairReviewed(pair=draft.key, item_ids=(stored.id,), verdict="approved")
                for draft in drafts_of(thread)
            )
        )
    said = {event: row.messages for row in world.rows() for event in row.events}
    assert len(said.keys() & set(ids)) > 0.9 * len(ids)
    left = [
        (canary.kind.name, canary.form, canary.encoding)
        for id_, canary in zip(ids, canaries, strict=True)
        if any(survived(canary, message.content) for message in said.get(id_, ()))
    ]
    assert left == []
