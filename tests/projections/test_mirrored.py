"""Which bodies may lie in the pod: asked again by a plain recomputation, whatever happened."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from projections.lineage import record
from projections.mirrored import Mirrored
from projections.reviews import APPROVED
from tests.projections.test_lineage import manifest
from tests.projections.world import World
from vault.consent import Purpose, decide
from vault.contents import block_keys
from vault.events import (
    ConsentGiven,
    ConsentProhibited,
    CorrectionMade,
    FeedbackGiven,
    ImportFinished,
    ItemCollected,
    ItemErased,
    ItemRevised,
    LabelCorrected,
    ModelTrained,
    OwnerNamed,
    PairReviewed,
    UseResumed,
)
from vault.follow import Entry
from vault.items import Attachment

RECEIVED = "message.chat.direct.received"
FILES = tuple(
    Attachment(name=f"{n}.bin", media_type="application/octet-stream", size=3, sha256=f"{n}" * 64)
    for n in range(2)
)


class Asked(World):
    """A world whose mirror is asked about every entry there is."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks: dict[str, bytes] = {}

    def entries(self) -> list[Entry]:
        return [entry for page in self.log.pages() for entry in page.entries]

    def mirrored(self) -> Mirrored:
        self.views.catch_up(self.log)
        events = {entry.id: entry.event for entry in self.entries()}
        return Mirrored(self.views, lambda ids: {one: events[one] for one in ids}, self.now)

    def withheld(self) -> set[str]:
        return set(self.mirrored().withheld([entry.id for entry in self.entries()]))

    def block(self, file: Attachment) -> str:
        """Append the one block of a file, as followers see it."""
        [tag] = block_keys(file)
        [id_] = self.log.add(OwnerNamed(names=()))
        page = self.log._pages.pop()
        [entry] = page.entries
        self.log._pages.append(
            type(page)(entries=(entry._replace(event=None, tag=tag),), position=page.position)
        )
        self.blocks[id_] = tag
        return id_

    # The plain recomputation: read from the first entry on, nothing kept.

    def expected(self) -> set[str]:  # noqa: C901 - a case for each event
        now = self.views.permissions.moment(self.now)
        entries = self.entries()
        gone = {one for e in entries if isinstance(e.event, ItemErased) for one in e.event.item_ids}
        said = self.views.permissions.statements
        pauses = self.views.permissions.pauses
        carriers: dict[bytes, set[str]] = {}
        items = set()
        for entry in entries:
            match entry.event:
                case ItemCollected(item=item) | ItemRevised(item=item):
                    root = getattr(entry.event, "item_id", entry.id)
                    if root not in gone:
                        items.add(root)
                        for file in item.attachments:
                            for key in block_keys(file):
                                carriers.setdefault(key, set()).add(root)

        def may(item: str) -> bool:
            subject = self.views.timeline.subject(item) if item in items else None
            return (
                subject is not None
                and decide(said, subject, Purpose.MIRROR, now, pauses=pauses).permitted
            )

        def refused(entry: Entry) -> bool:
            match entry.event:
                case None if entry.tag:
                    return not any(map(may, carriers.get(entry.tag, ())))
                case ItemCollected():
                    return not may(entry.id)
                case (
                    ItemRevised(item_id=item)
                    | CorrectionMade(item_id=item)
                    | LabelCorrected(item_id=item)
                ):
                    return not may(item)
                case PairReviewed(item_ids=ids):
                    return not all(map(may, ids))
                case event:
                    return event is None

        return {entry.id for entry in entries if refused(entry)}


@pytest.fixture
def world():
    return Asked()


def test_nothing_goes_that_no_permission_lets_there(world):
    [sent, received] = world.collect(world.item("mine"), world.item("theirs", RECEIVED))
    assert world.withheld() == {sent, received}
    world.allow("message", purpose="mirror")
    assert world.withheld() == {received}
    world.allow("message", purpose="train")
    assert world.withheld() == {received}, "another purpose says nothing"


def test_what_speaks_of_an_item_goes_with_it(world):
    item, second = world.collect(world.item("one"), world.item("two", RECEIVED))
    about = [
        ItemRevised(item_id=item, item=world.item("one!")),
        CorrectionMade(item_id=item, text="one?"),
        LabelCorrected(item_id=item, label="health", holds=False),
        PairReviewed(pair="p", item_ids=(item,), verdict=APPROVED, answer="fine"),
    ]
    ids = world.log.add(*about)
    [both] = world.log.add(PairReviewed(pair="q", item_ids=(item, second), verdict=APPROVED))
    assert world.withheld() == {item, second, both, *ids}
    world.allow("message", purpose="mirror")
    assert world.withheld() == {second, both}


def test_a_block_is_there_if_any_carrier_may_be(world):
    mine = world.item("a", attachments=FILES[:1])
    theirs = world.item("b", RECEIVED, attachments=FILES)
    world.collect(mine, theirs)
    shared, alone = world.block(FILES[0]), world.block(FILES[1])
    world.allow("message", purpose="mirror")
    assert {shared, alone} & world.withheld() == {alone}
    before = world.mirrored().edition
    [again] = world.collect(world.item("c", attachments=FILES[1:]))
    assert alone not in world.withheld()
    assert world.mirrored().edition != before
    world.erase(again)
    assert alone in world.withheld()


def test_what_she_said_goes_and_what_names_files_or_answers_only_by_permission(world):
    world.allow("message", purpose="mirror", source="phone")
    done = {"locator": "Chat with Priya.txt", "read": 1, "collected": 1, "duplicates": 0}
    phone, other, feedback = world.log.add(
        ImportFinished(**done, sources=(("phone", 1),)),
        ImportFinished(**done, sources=(("phone", 1), ("desk", 1))),
        FeedbackGiven(model="m", prompt="?", answer="!", good=True),
    )
    world.log.add(OwnerNamed(names=("asha rao",)))
    assert world.withheld() == {other, feedback}
    world.deny("message", purpose="mirror", conversation="Priya")
    assert world.withheld() == {phone, other, feedback}


def test_new_items_and_other_purposes_leave_the_edition_alone(world):
    world.allow("message", purpose="mirror")
    world.collect(world.item("one"))
    before = world.mirrored().edition
    world.collect(world.item("two", with_="name:Bex"), world.item("three", RECEIVED))
    world.allow("document", purpose="train")
    [item, *_] = world.views.timeline.select()
    world.log.add(ItemRevised(item_id=item, item=world.item("one, in other words")))
    assert world.mirrored().edition == before
    world.log.add(ItemRevised(item_id=item, item=world.item("one", conversation="Other")))
    assert world.mirrored().edition != before


def test_who_a_person_is_changes_the_edition_where_a_statement_names_her(world):
    world.allow("message", purpose="mirror", person="mailto:priya@home.example")
    [item] = world.collect(world.item("to priya", with_="name:Priya Nair|Priya Nair"))
    assert item in world.withheld()
    before = world.mirrored().edition
    world.collect(world.item("to ned", with_="name:Ned"))
    assert world.mirrored().edition == before
    world.collect(world.item("card", with_="mailto:priya@home.example|Priya Nair"))
    assert item not in world.withheld()
    assert world.mirrored().edition != before


def test_other_words_change_the_edition_where_they_mean_something_sensitive(world):
    world.allow("message", purpose="mirror")
    [item] = world.collect(world.item("see you at noon by the boat"))
    assert item not in world.withheld()
    before = world.mirrored().edition
    ill = "My doctor diagnosed diabetes; I take insulin and see the oncologist about the tumour."
    world.log.add(CorrectionMade(item_id=item, text=ill))
    assert item in world.withheld()
    assert world.mirrored().edition != before


def test_other_words_change_the_edition_where_they_mention_somebody_paused(world):
    world.allow("message", purpose="mirror")
    item, _ = world.collect(
        world.item("see you at noon"), world.item("hi", with_="name:Ned Marlow|Ned Marlow")
    )
    world.pause(person="Ned Marlow")
    assert item not in world.withheld()
    before = world.mirrored().edition
    world.log.add(CorrectionMade(item_id=item, text="Ned Marlow comes at noon"))
    assert item in world.withheld()
    assert world.mirrored().edition != before


def test_a_model_goes_only_while_all_that_it_learned_from_may(world):
    world.allow("message")
    world.collect(*(world.item(f"hello {c}", conversation=c) for c in "AB"))
    files = world.views.lineage._files
    record(files, "m1", world.rows())
    world.log.add(
        ModelTrained(manifest=manifest("m1", 2), signature=b""),
        ModelTrained(manifest=manifest("m2", 2), signature=b""),
    )
    world.follow()
    assert world.mirrored().models(files) == frozenset()
    world.allow("message", purpose="mirror")
    assert world.mirrored().models(files) == {"m1"}, "nobody knows what m2 learned from"
    world.deny("message", purpose="mirror", conversation="A")
    assert world.mirrored().models(files) == frozenset()


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "collect",
                "collect",
                "revise",
                "restate",
                "correct",
                "relabel",
                "review",
                "block",
                "allow",
                "deny",
                "pause",
                "resume",
                "erase",
                "merge",
                "expire",
            ]
        ),
        st.integers(0, 5),
        st.sampled_from(["Priya", "Ned"]),
    ),
    min_size=3,
    max_size=14,
)


class Script:
    """Carries out steps on a world; those that make no sense there do nothing."""

    def __init__(self) -> None:
        self.world = Asked()
        self.pauses = []
        self.asked: list[tuple[bytes, frozenset[str], frozenset[str]]] = []

    def run(self, what: str, number: int, name: str) -> None:
        self.world.views.catch_up(self.world.log)
        items = self.world.views.timeline.select()
        item = items[number % len(items)] if items else ""
        if item or what in {"collect", "allow", "deny", "pause", "block", "resume", "expire"}:
            getattr(self, f"_{what}")(item, number, name)
        self.check()

    def check(self) -> None:
        world = self.world
        mirrored = world.mirrored()
        every = frozenset(entry.id for entry in world.entries() if not entry.erased)
        withheld = frozenset(mirrored.withheld(sorted(every)))
        assert withheld == world.expected() & every
        edition = mirrored.edition
        for before, known, answer in self.asked:
            if before == edition:
                assert withheld & known == answer & every
        self.asked.append((edition, every, withheld))

    def _new(self, number: int, name: str, **more):
        kind = (RECEIVED, "message.chat.direct.sent", "message.email.sent")[number % 3]
        return self.world.item(
            f"words {number}", kind, with_=f"name:{name}", conversation=name,
            minute=number * 60 * 24, attachments=FILES[: number % 3], **more,
        )  # fmt: skip

    def _collect(self, _, number, name):
        self.world.collect(self._new(number, name))

    def _revise(self, item, number, _):
        stored = self.world.views.timeline.show(item).item
        self.world.log.add(
            ItemRevised(item_id=item, item=structs.replace(stored, text=f"other {number}"))
        )

    def _restate(self, item, number, name):
        self.world.log.add(ItemRevised(item_id=item, item=self._new(number, name)))

    def _correct(self, item, number, name):
        self.world.log.add(CorrectionMade(item_id=item, text=f"{name} said {number}"))

    def _relabel(self, item, number, _):
        self.world.log.add(LabelCorrected(item_id=item, label="health", holds=number % 2 == 0))

    def _review(self, item, number, _):
        other = self.world.views.timeline.select()[0]
        self.world.log.add(
            PairReviewed(pair=f"p{number}", item_ids=(item, other), verdict=APPROVED)
        )

    def _block(self, _, number, __):
        self.world.block(FILES[number % 2])

    def _said(self, effect, number, name):
        filters = [{}, {"person": f"name:{name}"}, {"conversation": name}, {"source": "phone"}]
        type_ = ("message", RECEIVED, "health")[number % 3]
        filters += [{"since": self.world.noon}, {"until": self.world.noon}]
        return self.world.statement(effect, type_, "mirror", **filters[number])

    def _allow(self, _, number, name):
        self.world.log.add(ConsentGiven(statement=self._said("allow", number, name)))

    def _deny(self, _, number, name):
        self.world.log.add(ConsentProhibited(statement=self._said("deny", number, name)))

    def _expire(self, _, number, __):
        until = self.world.now + (number - 3) * (self.world.now - self.world.start)
        said = self.world.statement("allow", "message", "mirror", expires=until)
        self.world.log.add(ConsentGiven(statement=said))
        self.world.now = self.world.now + (self.world.now - self.world.start) / 10

    def _pause(self, _, number, name):
        person = f"name:{name}" if number % 2 else ""
        self.pauses.append(self.world.pause("message" if number % 3 else "", person=person))

    def _resume(self, _, number, __):
        if self.pauses:
            self.world.log.add(UseResumed(pause=self.pauses.pop(number % len(self.pauses))))

    def _erase(self, item, *_):
        self.world.erase(item)

    def _merge(self, *_):
        people = self.world.views.people
        if people.called("Priya") and people.called("Ned"):
            self.world.merge("Priya", "Ned")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_it_says_what_a_plain_recomputation_says_and_its_edition_tells_when_that_changed(steps):
    script = Script()
    for step in steps:
        script.run(*step)
