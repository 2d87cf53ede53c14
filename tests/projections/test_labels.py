"""Labels decide through consent, the owner corrects them, and what is gone teaches nothing."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.embed import chosen
from vault.consent import Purpose, Statement
from vault.events import CorrectionMade, ItemCollected, ItemRevised, LabelCorrected

ILL = "they found cancer in my liver and the chemo starts on monday"
FINE = "the boat leaves at nine"


def relabel(world, item_id, label, holds=True):
    world.log.add(LabelCorrected(item_id=item_id, label=label, holds=holds))


def learned(world):
    return {event for row in world.rows() for event in row.events}


def labels(world, item_id):
    return set(world.follow().timeline.show(item_id).item.labels)


def test_a_message_about_health_is_left_out_until_health_itself_is_allowed(world):
    world.allow("message")
    ill, fine = world.collect(world.item(ILL), world.item(FINE, minute=600))
    assert learned(world) == {fine}
    assert "health" in world.views.permissions.decide(ill, Purpose.TRAIN, world.now).reason
    world.allow("health")
    assert learned(world) == {ill, fine}


def test_a_guess_does_not_hide_her_words_from_her_and_her_own_word_does(world):
    world.allow("message", purpose="search")
    (ill,) = world.collect(world.item(ILL))
    assert len(world.follow().search.find("cancer", now=world.now)) == 1
    assert world.views.search.decide(ill, world.now).permitted
    relabel(world, ill, "health")
    assert world.follow().search.find("cancer", now=world.now) == []
    assert world.views.search.holding([ill]) == 0
    assert "health" in world.views.search.decide(ill, world.now).reason
    world.allow("health", purpose="search")
    assert len(world.follow().search.find("cancer", now=world.now)) == 1


def test_a_search_finds_nothing_that_a_prohibition_covers_by_its_words(world):
    world.allow("message", purpose="search")
    (ill,) = world.collect(world.item(ILL))
    world.deny("health", purpose="search")
    assert world.follow().search.find("cancer", now=world.now) == []
    assert world.views.search.holding([ill]) == 0


def test_a_correction_lets_an_item_in_and_takes_another_out(world):
    world.allow("message")
    ill, fine = world.collect(world.item(ILL), world.item(FINE, minute=600))
    relabel(world, ill, "health", holds=False)
    relabel(world, fine, "religion")
    assert learned(world) == {ill}
    assert "health" not in labels(world, ill)
    relabel(world, ill, "health")
    assert learned(world) == set()


def test_a_correction_takes_rows_and_words_in_the_transaction_of_its_page(world):
    world.allow("message")
    world.allow("message", purpose="search")
    (fine,) = world.collect(world.item(FINE))
    world.follow()
    assert world.views.training.holding([fine]) == 1
    relabel(world, fine, "crime")
    world.views.catch_up(world.log)
    assert world.views.training.holding([fine]) == 0
    assert world.views.search.holding([fine]) == 0


def test_a_label_that_the_source_gave_stays_and_can_be_taken_back(world):
    world.allow("message")
    (one,) = world.collect(world.item(FINE, labels=("location",)))
    assert labels(world, one) == {"location"}
    assert learned(world) == set()
    relabel(world, one, "location", holds=False)
    assert labels(world, one) == set()
    assert learned(world) == {one}


def test_a_correction_holds_for_every_later_wording(world):
    world.allow("message")
    (one,) = world.collect(world.item(ILL))
    relabel(world, one, "health", holds=False)
    world.log.add(ItemRevised(item_id=one, item=world.item(ILL + " at ten")))
    assert learned(world) == {one}


def test_labels_are_those_of_the_newest_words(world):
    (one,) = world.collect(world.item(FINE))
    assert labels(world, one) == set()
    world.log.add(ItemRevised(item_id=one, item=world.item(ILL)))
    assert "health" in labels(world, one)
    world.log.add(CorrectionMade(item_id=one, text=FINE))
    assert labels(world, one) == set()


def test_words_that_were_not_read_yet_count_as_everything(world):
    world.allow("message")
    (one,) = world.collect(world.item(FINE))
    world.follow()
    world.log.add(ItemRevised(item_id=one, item=world.item(FINE + " sharp")))
    for page in world.log.pages(world.views.timeline.position):
        world.views.timeline.apply(page)
    (stored,) = world.views.timeline.load([one])
    assert {"health", "crime", "minors"} <= set(stored.item.labels)


def test_a_prohibition_on_a_matter_covers_items_by_their_words(world):
    world.allow("message", "health")
    ill, fine = world.collect(world.item(ILL), world.item(FINE, minute=600))
    assert world.deny("health") == (ill,)
    assert learned(world) == {fine}
    assert world.views.timeline.select(type_="health") == (ill,)


def test_with_the_item_its_vector_and_its_corrections_go(new_world, tmp_path):
    world = new_world(tmp_path)
    (one,) = world.collect(world.item(ILL))
    relabel(world, one, "health", holds=False)
    views = world.follow()
    assert views.labels.holding([one]) == 1
    assert views.labels.vectors([one])[one]
    entries = views.timeline.entries([one])
    assert len(entries) == 2
    world.erase(one)
    views = world.follow()
    assert views.labels.holding([one]) == 0
    assert views.timeline.corrected_labels() == []
    assert views.labels._rows("SELECT * FROM items") == []
    views.close()


def test_a_new_wording_has_a_new_vector_and_the_old_one_is_gone(world):
    (one,) = world.collect(world.item(FINE))
    before = world.follow().labels.vectors([one])
    world.log.add(ItemRevised(item_id=one, item=world.item(ILL)))
    after = world.follow().labels.vectors([one])
    assert before != after
    assert len(world.views.labels.ids()) == 1


class Counting:
    """The embedder that ships, counting what it is asked for."""

    def __init__(self, version=""):
        self.of = chosen("static")
        self.version, self.size = self.of.version + version, self.of.size
        self.read = 0

    def embed(self, texts):
        self.read += len(texts)
        return self.of.embed(texts)


def reopened(world, embedder):
    from projections.views import Views  # noqa: PLC0415

    world.views = Views.open(
        world.stores, world.stores, alias_key=b"a" * 32, view_key=b"v" * 32, embedder=embedder
    )
    return world.follow()


def test_every_wording_is_read_once_whoever_opens_the_views(world):
    first, again, other = Counting(), Counting(), Counting(version="-other")
    world.collect(*(world.item(f"{FINE} {n}", minute=n) for n in range(150)))
    reopened(world, first)
    reopened(world, again)
    assert (first.read, again.read) == (150, 0)
    reopened(world, other)
    assert other.read == 150


NEAR = "the chemo starts on monday, they found cancer in my liver"


def test_what_the_owner_corrected_is_taught_to_items_that_say_nearly_the_same(world):
    world.allow("message")
    one, near = world.collect(world.item(ALIKE[0]), world.item(ALIKE[1], minute=600))
    assert "minors" not in labels(world, near)
    relabel(world, one, "minors")
    assert "minors" in labels(world, near)
    assert learned(world) == set()
    relabel(world, near, "minors", holds=False)
    assert labels(world, near) == set()


ALIKE = (
    "leo has the big match on saturday at the club with the coach",
    "leo has the big match on sunday at the club with the coach",
)


@pytest.mark.parametrize("way", ["erase", "withdraw", "pause", "deny a matter"])
def test_what_was_taken_back_teaches_nothing(world, way):
    world.allow("message")
    one, near = world.collect(
        world.item(ALIKE[0], conversation="A"), world.item(ALIKE[1], minute=600)
    )
    relabel(world, one, "minors")
    assert "minors" in labels(world, near)
    match way:
        case "erase":
            world.erase(one)
        case "withdraw":
            world.withdraw("message", conversation="A")
        case "pause":
            world.log.add(ItemRevised(item_id=one, item=world.item(ALIKE[0], source="tablet")))
            world.pause(source="tablet")
        case "deny a matter":
            world.deny("minors", conversation="A")
    assert "minors" not in labels(world, near)
    assert learned(world) == {near}
    gone = world.views.withdrawn_items(world.now)
    assert world.rows() == world.rows(world.clean(without=gone))


steps = st.lists(
    st.one_of(
        st.tuples(st.just("collect"), st.sampled_from([*ALIKE, ILL, FINE]), st.sampled_from("AB")),
        st.tuples(
            st.just("relabel"),
            st.integers(0, 9),
            st.sampled_from(["minors", "health", "location"]),
            st.booleans(),
        ),
        st.tuples(st.just("deny"), st.sampled_from(["message", "minors", "health"])),
        st.tuples(st.just("withdraw"), st.sampled_from([{"conversation": "A"}, {}])),
        st.tuples(st.just("erase"), st.integers(0, 9)),
        st.tuples(st.just("follow")),
    ),
    max_size=16,
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(history=steps)
def test_labels_that_were_followed_are_those_made_from_zero_and_without_what_was_withdrawn(
    new_world, history
):
    world = new_world()
    world.allow("message", "health")
    known = []
    for number, (kind, *rest) in enumerate(history):
        match kind:
            case "collect":
                item = world.item(rest[0], conversation=rest[1], minute=400 * number)
                known += world.log.add(ItemCollected(item=item))
            case "relabel" if known:
                relabel(world, known[rest[0] % len(known)], rest[1], holds=rest[2])
            case "deny":
                world.deny(rest[0])
            case "withdraw":
                world.withdraw("message", **rest[0])
            case "erase" if known:
                world.erase(known.pop(rest[0] % len(known)))
            case "follow":
                world.follow()
    views, made = world.follow(), world.clean()
    for one, other in zip(views.all, made.all, strict=True):
        assert one.dump() == other.dump(), one.name
    assert world.rows() == world.rows(made)
    gone = views.withdrawn_items(world.now)
    assert world.rows() == world.rows(world.clean(without=gone))


def test_a_rule_of_retention_goes_by_what_was_said_and_by_no_guess(world):
    (ill,) = world.collect(world.item(ILL))
    late = world.now.replace(year=2030)
    views = world.follow()
    assert "health" in views.timeline.show(ill).item.labels
    assert views.timeline.outlived({"health": 30}, late) == ()
    relabel(world, ill, "health")
    assert world.follow().timeline.outlived({"health": 30}, late) == (ill,)


def test_a_pause_on_a_matter_keeps_what_is_about_it_by_its_words(world):
    (ill,) = world.collect(world.item(ILL))
    world.pause("health")
    views = world.follow()
    late = world.now.replace(year=2030)
    assert views.timeline.outlived({"message": 30}, late) == (ill,)
    assert views.timeline.outlived({"message": 30}, late, views.permissions.pauses) == ()


def test_a_statement_about_a_matter_is_about_items_of_any_type(world):
    (ill,) = world.collect(world.item(ILL, "document.note"))
    statement: Statement = world.statement("deny", "health")
    views = world.follow()
    assert [stored.id for stored in views.timeline.covered(statement)] == [ill]
    assert len(views.timeline.units_covered(statement)) == 1
