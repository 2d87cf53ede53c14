"""Everything that can happen to a vault, in any order: what its views promise holds throughout.

The promises are checked against the log itself: consent is decided anew from all that was
said, by the pure function of the specification, and not by the views under test.
"""

from datetime import timedelta

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from projections.permissions import statement_of
from projections.rows import Row
from projections.threads import unit_of
from tests.projections.world import World
from vault.consent import Purpose, decide
from vault.events import (
    CorrectionMade,
    ItemRevised,
    LabelCorrected,
    UsePaused,
    UseResumed,
)

SENT, RECEIVED = "message.chat.direct.sent", "message.chat.direct.received"
TYPES = [SENT, RECEIVED, "message.email.sent", "message.email.received", "document.note"]
PEOPLE = [
    "name:Priya Nair",
    "mailto:priya@x.example|Priya Nair",
    "mailto:tom@x.example|Tom Baker",
    "name:Tom Baker",
    "tel:+447911123456|Bob Stone",
]
REAL = ["Priya", "Nair", "Tom Baker", "Bob Stone", "priya@x.example", "tom@x.example"]
TEXTS = [
    "Priya Nair told me about the boat that she bought in the harbour last spring",
    "Tom Baker and I walked along the river until it was far too dark to see",
    "the boat needs paint, a new rope and somebody who can sail it home",
    "call 07911 123456 if the harbour office does not answer in the morning",
    "I planted beans, peas and far too many courgettes behind the shed",
    "write to tom@x.example about the rope",
    "ok",
    "the rope is too short, the paint is too thick, the wind is against us",
]
FILTERS = [{}, {}, {"conversation": "A"}, {"person": "priya nair"}, {"source": "phone"}]


class Machine(RuleBasedStateMachine):
    """One vault: its log, its views, a clock that may be set back."""

    items = Bundle("items")

    def __init__(self):
        super().__init__()
        self.world = World()
        self.time = self.latest = self.world.start + timedelta(days=1)
        self.sides = {}
        self.minute = 0
        self.world.allow("message", "document", *TYPES)
        # Everybody is known, whatever is erased later.
        self.world.collect(
            *(self.world.item(f"card {n}", "contact", with_=one) for n, one in enumerate(PEOPLE))
        )

    def look(self, views=None):
        """Follow, settle, and return the rows of a moment that never goes back."""
        views = views or self.world.views
        views.catch_up(self.world.log)
        views.settle(self.time)
        return list(views.training.rows(now=self.time))

    def kept(self, name=""):
        """Return the rows that lie in a view's file, whatever would be let out of it."""
        self.look()
        found = self.world.views.named(name)._rows("SELECT body FROM rows")
        return [msgspec.msgpack.decode(body, type=Row) for (body,) in found]

    # ------------------------------------------------------------------ what happens

    @rule(
        target=items,
        text=st.sampled_from(TEXTS),
        kind=st.sampled_from(TYPES),
        who=st.sampled_from(PEOPLE),
        conversation=st.sampled_from("AB"),
        later=st.integers(0, 20_000),
    )
    def collect(self, text, kind, who, conversation, later):
        self.minute += later
        item = self.world.item(text, kind, with_=who, conversation=conversation, minute=self.minute)
        return self.world.collect(item)[0]

    @rule(item=items, text=st.sampled_from(TEXTS), kind=st.sampled_from(TYPES))
    def revise(self, item, text, kind):
        again = self.world.item(text, kind, conversation="A", minute=self.minute)
        self.world.log.add(ItemRevised(item_id=item, item=again))

    @rule(item=items, text=st.sampled_from(TEXTS))
    def correct(self, item, text):
        self.world.log.add(CorrectionMade(item_id=item, text=text))

    @rule(item=items, holds=st.booleans())
    def relabel(self, item, holds):
        self.world.log.add(LabelCorrected(item_id=item, label="health", holds=holds))

    @rule(item=consumes(items))
    def erase(self, item):
        self.world.views.catch_up(self.world.log)
        self.world.erase(self.world.views.timeline.root(item))

    @rule(
        type_=st.sampled_from(["message", "document", *TYPES]),
        purpose=st.sampled_from(["train", "search"]),
        filters=st.sampled_from(FILTERS),
        days=st.sampled_from([None, None, 3, 30]),
        redact=st.sampled_from(["strict", "balanced"]),
    )
    def give(self, type_, purpose, filters, days, redact):
        expires = None if days is None else self.latest + timedelta(days=days)
        self.world.allow(type_, purpose=purpose, expires=expires, redact=redact, **filters)

    @rule(type_=st.sampled_from(["message", "document", SENT]), filters=st.sampled_from(FILTERS))
    def withdraw(self, type_, filters):
        self.world.withdraw(type_, "train", **filters)

    @rule(person=st.sampled_from(["priya nair", "tom@x.example"]))
    def block(self, person):
        self.world.pause(person=person)

    @rule()
    def unblock(self):
        self.world.views.catch_up(self.world.log)
        for pause in self.world.views.permissions.pauses[:1]:
            self.world.resume(pause)

    @rule(verdict=st.sampled_from(["approved", "rejected", "edited"]), pick=st.integers(0, 9))
    def review(self, verdict, pick):
        rows = self.look()
        if rows:
            words = "Priya Nair says hello" if verdict == "edited" else ""
            self.world.review(rows[pick % len(rows)], verdict, answer=words)

    @rule(name=st.sampled_from(["one", "two"]), types=st.sampled_from([(), ("message",)]))
    def define(self, name, types):
        self.world.define(name, types=types)

    @rule(name=st.sampled_from(["one", "two"]))
    def drop(self, name):
        self.world.drop(name)

    @rule(days=st.integers(-40, 40))
    def set_clock(self, days):
        self.time += timedelta(days=days)
        self.latest = max(self.latest, self.time)

    # ------------------------------------------------------------------ how it is followed

    @rule()
    def catch_up(self):
        self.look()

    @rule(count=st.integers(0, 15))
    def crash(self, count):
        self.world.die_at(count, self.look)

    @rule()
    def rebuild(self):
        self.world.now = self.time = self.latest
        self.look()
        made = self.world.clean()
        rows = self.look(made)
        for one, other in zip(self.world.views.all, made.all, strict=True):
            assert (one.name, one.dump()) == (other.name, other.dump())
        assert rows == self.look()

    def teardown(self):
        self.rebuild()

    # ------------------------------------------------------------------ what holds

    @invariant()
    def no_row_without_a_permitting_statement(self):
        rows = self.kept()
        views, said = self.world.views, self.said()
        for row in rows:
            for event in row.events:
                subject = views.people.subject(views.timeline.show(event).item)
                decision = decide(said, subject, Purpose.TRAIN, self.latest, pauses=self.paused())
                assert decision.permitted, decision.reason

    @invariant()
    def nobodys_real_name_stands_in_a_row(self):
        for row in self.kept():
            for message in row.messages:
                assert not any(name in message.content for name in REAL), message.content

    @invariant()
    def a_thread_that_was_held_out_is_never_learned(self):
        self.look()
        for view in ("", *(one.name for one in self.world.views.definitions.all())):
            for row in self.kept(view):
                for event in row.events:
                    unit = unit_of(event, self.world.views.timeline.show(event).item)
                    assert self.sides.setdefault(unit, row.split) == row.split

    def said(self):
        events = [entry.event for page in self.world.log.pages() for entry in page.entries]
        return [s for event in events if (s := statement_of(event))]

    def paused(self):
        open_ = {}
        for page in self.world.log.pages():
            for entry in page.entries:
                match entry.event:
                    case UsePaused(pause=pause):
                        open_[pause.id] = pause
                    case UseResumed(pause=pause):
                        open_.pop(pause.id, None)
        return tuple(open_.values())


Machine.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestMachine = Machine.TestCase
