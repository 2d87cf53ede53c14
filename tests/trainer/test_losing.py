"""What a lost row shaped goes, whatever was said in whichever order; what it never touched stays."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.lineage import disclosed, intend, intended, learned, record
from tests.projections.world import World
from trainer import states
from trainer.evaluate import report
from trainer.evaluate.report import Report
from trainer.forget import exposed_before, lose
from vault.events import Manifest, ModelRetired, ModelRetrained, ModelTrained, SliceState

TALKS = "ABCDE"


class Studio:
    """A world in which models are made without learning anything: their states are words."""

    def __init__(self):
        self.world = World()
        self.world.allow("message")
        self.made = 0
        for talk in TALKS:
            self.say(talk)

    @property
    def lineage(self):
        return self.world.views.lineage

    @property
    def store(self):
        return self.lineage._files

    def say(self, talk):
        self.world.collect(
            *(
                self.world.item(f"hello {talk} number {self.made} {n}", conversation=talk, minute=n)
                for n in range(2)
            )
        )
        self.made += 1
        self.world.follow()

    def withdraw(self, talk):
        self.world.withdraw("message", conversation=talk)
        self.world.follow()

    def allow(self, talk):
        self.world.allow("message", conversation=talk)
        self.world.follow()

    def erase(self, talk):
        found = self.world.views.timeline.select(conversation=talk)
        self.world.erase(*found[:1])
        self.world.follow()

    def train(self, talk):
        """Make a model of slices of two rows, with all that a run and its owner leave behind."""
        rows = list(self.world.rows())
        if not rows:
            return
        for row in rows:
            self.check_derivation(row)
        self.made += 1
        name = f"m{self.made}"
        cut = [rows[at : at + 2] for at in range(0, len(rows), 2)]
        chain = tuple(
            SliceState(name=f"{n:02}", state=f"{name}s{n}", rows=len(part))
            for n, part in enumerate(cut)
        )
        made = Manifest(
            model=name, kind="scratch", base="", base_path="", recipe="{}", environment="{}",
            position=1, checkpoint="", rows=len(rows), rows_root="", statements=(), slices=chain,
            weights="",
        )  # fmt: skip
        for slice_ in chain:
            self.store.write(states.name_of(slice_.state), b"weights")
            self.store.write(states.checkpoint_of(slice_.state), b"weights")
            self.store.write(f"run-{name}.000000.{slice_.state}", b"lines")
        said = Report(
            model=name, state="", made_at=self.world.now, position=1, rows=1, seed=0,
            environment="", measures=(), samples=(talk,),
        )  # fmt: skip
        self.store.write(report.name_of(name), said.encode())
        record(self.store, name, rows)
        self.world.log.add(ModelTrained(manifest=made, signature=b""))
        self.world.log.add(disclosed(name, folder=f"/gone/{name}", digest="", items=1))
        self.world.follow()

    def check_derivation(self, row):
        """A statement of that moment permits every item of a row."""
        said = {one.id: one for one in self.world.views.permissions.statements}
        assert row.statements
        assert all(said[one].effect.value == "allow" for one in row.statements)
        assert self.world.views.training.still_permitted([row], self.world.now) == {row.id}


OPERATIONS = st.tuples(
    st.sampled_from(["say", "withdraw", "allow", "erase", "train", "train"]), st.sampled_from(TALKS)
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(OPERATIONS, min_size=2, max_size=10))
def test_after_any_sequence_nothing_that_is_kept_was_shaped_by_a_lost_row(operations):
    studio = Studio()
    for name, talk in [("train", "A"), *operations]:
        getattr(studio, name)(talk)
        lost = lose(studio.lineage, studio.store, studio.world.now)
        kept, clean = states.traces(studio.store), set()
        for model in studio.lineage.models():
            rows = learned(studio.store, model.id)
            fine = studio.world.views.training.still_permitted(rows, studio.world.now)
            at = 0
            for slice_ in model.manifest.slices:
                if {row.id for row in rows[at : at + slice_.rows]} - fine:
                    break
                clean.add(slice_.state)
                at += slice_.rows
            told = bool(report.evaluated(studio.store, (model.id,)))
            # What is permitted again does not bring a report back.
            assert not told or len(fine) == len(rows)
            whole = len(fine) == len(rows)
            assert (model.id in {copy.model for copy in lost.beyond}) is not whole
        assert kept <= clean


@pytest.fixture
def studio():
    made = Studio()
    made.train("A")
    return made


def test_what_no_lost_row_touched_stays_with_its_traces(studio):
    [model] = studio.lineage.models()
    before = states.traces(studio.store)
    assert lose(studio.lineage, studio.store, studio.world.now).states == 0
    assert states.traces(studio.store) == before
    rows = learned(studio.store, model.id)
    last = studio.world.views.timeline.show(rows[-1].events[0]).item.conversation
    studio.withdraw(last)
    clean = studio.lineage.clean(model.id, studio.world.now)
    assert 0 < len(clean) < len(model.manifest.slices)
    lose(studio.lineage, studio.store, studio.world.now)
    assert states.traces(studio.store) == {slice_.state for slice_ in clean}


def test_of_a_run_that_was_stopped_only_what_no_lost_row_touched_stays(studio):
    """Its plan says what each of its states learned; a model it never became."""
    rows = list(studio.world.rows())
    chain = [(f"s{at}", rows[at : at + 1]) for at in range(len(rows))]
    intend(studio.store, chain)
    for state, _ in chain:
        studio.store.write(states.name_of(state), b"weights")
    studio.store.write(states.checkpoint_of("s3"), b"weights")
    lose(studio.lineage, studio.store, studio.world.now, strangers=True)
    assert {state for state, _ in chain} <= states.traces(studio.store)
    studio.withdraw(studio.world.views.timeline.show(rows[2].events[0]).item.conversation)
    lost = next(
        n for n, row in enumerate(rows) if row.id not in {r.id for r in studio.world.rows()}
    )
    lose(studio.lineage, studio.store, studio.world.now)
    assert {state for state, _ in chain} & states.traces(studio.store) == {
        state for state, _ in chain[:lost]
    }
    named = {row.id for name in studio.store.names() for _, part in intended(studio.store, name)
             for row in part}  # fmt: skip
    assert named == {row.id for row in rows[:lost]}


def test_states_of_no_model_stay_unless_they_are_asked_for(studio):
    """A run at work keeps what it has; an erasure cannot know what it learned from."""
    studio.store.write(states.name_of("stranger"), b"weights")
    lose(studio.lineage, studio.store, studio.world.now)
    assert "stranger" in states.known(studio.store)
    lose(studio.lineage, studio.store, studio.world.now, strangers=True)
    assert "stranger" not in states.known(studio.store)


def test_a_model_that_a_clean_run_disproved_keeps_nothing(studio):
    [model] = studio.lineage.models()
    studio.world.log.add(
        ModelRetrained(
            manifest=replace(model.manifest, model="m9"), signature=b"", replaces=model.id,
            replayed_slices=1, identical_to_clean_run=False,
        )
    )  # fmt: skip
    record(studio.store, "m9", studio.world.rows())
    studio.world.follow()
    assert studio.lineage.model("m9").status == "suspended"
    assert studio.lineage.clean("m9", studio.world.now) == ()


def test_of_a_report_one_number_outlives_it(studio):
    [model] = studio.lineage.models()
    assert exposed_before(studio.store, model.id) is None
    measured = report.Measure(name="canary_exposure", value=2.5)
    [said] = report.evaluated(studio.store, (model.id,))
    told = replace(said, measures=(measured,))
    studio.store.write(report.name_of(model.id), told.encode())
    assert exposed_before(studio.store, model.id) == 2.5
    for talk in TALKS:
        studio.withdraw(talk)
    assert lose(studio.lineage, studio.store, studio.world.now).reports == 1
    assert report.evaluated(studio.store, (model.id,)) == ()
    assert exposed_before(studio.store, model.id) == 2.5


def test_of_a_retired_model_only_what_another_one_shares_stays(studio):
    [old] = studio.lineage.models()
    studio.world.log.add(
        ModelTrained(
            manifest=replace(old.manifest, model="other", slices=old.manifest.slices[:1]),
            signature=b"",
        )
    )
    record(studio.store, "other", list(studio.world.rows())[:2])
    studio.world.log.add(ModelRetired(model=old.id))
    studio.world.follow()
    lost = lose(studio.lineage, studio.store, studio.world.now)
    assert states.known(studio.store) == {old.manifest.slices[0].state}
    assert report.evaluated(studio.store, (old.id,)) == ()
    # What was handed out is the owner's, as long as she may have taught it.
    assert (lost.deleted, lost.beyond) == ((), ())
    studio.withdraw("A")
    assert [copy.model for copy in lose(studio.lineage, studio.store, studio.world.now).beyond] == [
        old.id
    ]
