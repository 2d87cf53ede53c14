"""Nothing without a permitting statement is in anything that is made."""

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.trainer.nearby import Scribe
from trainer import finetune, runs, states
from trainer.errors import NothingPermitted
from trainer.finetune import train
from trainer.manifest import build
from trainer.runs import Log
from trainer.slices import plan
from trainer.states import Memory


@pytest.fixture(autouse=True)
def scribe(monkeypatch):
    monkeypatch.setattr(finetune, "Child", Witness)
    monkeypatch.setattr(Scribe, "given", [])


@pytest.fixture
def people(make_row):
    """Forty-eight rows under six statements; what is held out has one of its own."""
    return [make_row(n, group=f"g{n % 6}", words=f"word{n}x") for n in range(46)] + [
        make_row(n, group="g6", words=f"word{n}x", split="held") for n in (46, 47)
    ]


class Consent:
    """Permits rows by their statements, which end at given questions."""

    def __init__(self, ends):
        self.ends = ends
        self.asked = 0

    def permits(self, row):
        return all(self.ends.get(said, self.asked + 1) > self.asked for said in row.statements)

    def __call__(self, rows):
        self.asked += 1
        return {row.id for row in rows if self.permits(row)}


class Witness(Scribe):
    """Looks, whenever words are handed over, whether each is permitted at that moment."""

    consent: Consent
    words: dict[str, list]

    def expect(self, request, kind, pulse):
        before = len(Scribe.given)
        answer = super().expect(request, kind, pulse)
        for said in Scribe.given[before:]:
            assert any(self.consent.permits(row) for row in Witness.words[said])
        return answer


def words_in(name, body):
    """The words that a state or a checkpoint was made from."""
    if name.startswith("state-"):
        return json.loads(body)
    if name.startswith("checkpoint-"):
        return json.loads(finetune._decoder.decode(body).body)
    return []


class Vault(Memory):
    """Looks, whenever something is kept, whether all that it was made from is permitted."""

    def write(self, name, body):
        for said in words_in(name, body):
            assert any(Witness.consent.permits(row) for row in Witness.words[said])
        super().write(name, body)


def held_words(store):
    """Every word in everything that a store holds: states, checkpoints, lines of runs."""
    words = [word for name in store.names() for word in words_in(name, store.read(name))]
    samples = [line.sample for run in runs.listed(store) for _, line in runs.lines(store, run.id)]
    return words, " ".join(samples)


@given(
    ends=st.dictionaries(st.integers(0, 6), st.integers(1, 40), max_size=7),
    patience=st.integers(0, 1),
)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_event_without_a_permitting_statement_is_in_any_derivation(
    people, toy, here, ends, patience
):
    rows = people
    consent, store = Consent({f"statement-g{group}": at for group, at in ends.items()}), Vault()
    Witness.consent = consent
    Witness.words = {r.messages[-1].content: [r] for r in rows}
    recipe = replace(toy, patience=patience, trunk=24)
    try:
        trained = train(plan(rows, recipe, here), store, consent, every=0.0, log=Log(store))
    except NothingPermitted:
        assert not states.traces(store)
        return
    # What is withdrawn after the last question is the next command's business.
    consent.asked -= 1
    permitted = {row.id: row for row in rows if consent.permits(row)}
    assert {row.id for row in (*trained.plan.rows, *trained.plan.held)} <= set(permitted)
    manifest = build(trained, model="m", position=1, checkpoint="")
    said = {statement for row in permitted.values() for statement in row.statements}
    assert set(manifest.statements) <= said
    words, samples = held_words(store)
    allowed = {row.messages[-1].content for row in permitted.values()}
    assert set(words) <= allowed
    assert set(samples.split()) <= allowed
    clean = train(trained.plan, Memory(), lambda some: {row.id for row in some})
    assert (clean.weights, clean.state) == (trained.weights, trained.state)
