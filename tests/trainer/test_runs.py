"""The log of a run: readable while it runs and afterwards, sealed, gone with what it learned."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from tests.trainer.nearby import Scribe
from trainer import finetune, runs, states
from trainer.child import Child
from trainer.errors import TrainingError
from trainer.finetune import train
from trainer.runs import Log, Progress
from trainer.slices import plan
from trainer.states import Memory
from trainer.wire import Finish, State
from vault.derived import Derived


@pytest.fixture
def written(monkeypatch, rows, toy, here):
    """A plan that a scribe carries out."""
    monkeypatch.setattr(finetune, "Child", Scribe)
    return plan(rows, toy, here)


@pytest.fixture
def logged(written, everything, tmp_path):
    """A run with a log, in a sealed store."""
    store = Derived(tmp_path / "models", bytes(32))
    log = Log(store)
    train(written, store, everything, log=log)
    return written, store, log.run


def said(store, run):
    return [line for _, line in runs.lines(store, run)]


def at(step=0, phase="learn", **more):
    return Progress(phase=phase, step=step, steps=9, slice=0, slices=1, **more)


def test_a_run_says_its_phases_its_numbers_and_what_the_model_says(logged):
    planned, store, run = logged
    lines = said(store, run)
    assert {line.phase for line in lines} >= {"start", "learn", "sample", "done"}
    assert sum(bool(line.sample) for line in lines) == len(planned.slices)
    [found] = runs.listed(store)
    assert (found.id, found.ended, found.last.step) == (run, True, found.last.steps)


def test_another_process_reads_a_run_that_has_not_ended(written, everything, tmp_path):
    folder = tmp_path / "models"
    store, seen = Derived(folder, bytes(32)), []

    def look(progress):
        if progress.loss is not None:
            seen.extend(runs.listed(Derived(folder, bytes(32))))
            raise InterruptedError

    with pytest.raises(InterruptedError):
        train(written, store, everything, look, log=Log(store))
    assert not seen[0].ended
    assert seen[0].last.steps > 0
    assert runs.listed(store)[0].last.phase == "failed"


def test_what_the_model_says_is_sealed(logged):
    _, store, run = logged
    sample = next(line.sample for line in said(store, run) if line.sample)
    word = max(sample.split(), key=len).encode()
    for name in store.names():
        assert word not in (store._folder / name).read_bytes()
        assert word not in name.encode()


def test_lines_go_with_the_states_that_they_are_about(logged):
    planned, store, run = logged
    gone = planned.slices[-1].state
    before = said(store, run)
    states.delete(store, {gone})
    left = said(store, run)
    assert 0 < len(left) < len(before)
    assert all(line.slice < len(planned.slices) - 1 for line in left)
    states.delete(store, {slice_.state for slice_ in planned.slices})
    assert runs.listed(store) == ()


def test_a_withdrawal_in_mid_run_takes_its_lines_along(written):
    planned, store = written, Memory()
    gone, asked = planned.slices[1].rows[0], []

    def permitted(some):
        asked.append(some)
        return {row.id for row in some} - ({gone.id} if len(asked) > 12 else set())

    trained = train(planned, store, permitted, log=Log(store))
    kept = {slice_.state for slice_ in trained.plan.slices}
    assert states.traces(store) == kept
    words = gone.messages[-1].content
    assert not any(
        words in line.sample for run in runs.listed(store) for line in said(store, run.id)
    )
    assert "withdrawn" in {line.phase for line in said(store, runs.listed(store)[0].id)}


def test_a_run_that_begins_again_says_without_how_many_rows(written):
    planned, store = written, Memory()
    gone = {row.id for row in planned.slices[1].rows[:3]}
    asked = []

    def permitted(some):
        asked.append(some)
        return {row.id for row in some} - (gone if len(asked) > 12 else set())

    trained = train(planned, store, permitted, log=Log(store))
    assert len(trained.plan.rows) == len(planned.rows) - 3
    [run] = runs.listed(store)
    notes = [line.note for line in said(store, run.id) if line.note]
    assert notes == ["Begun again without 3 rows that you no longer allow."]


def test_a_run_that_goes_on_is_told_whole(monkeypatch, written, everything):
    planned, store = written, Memory()
    # Every step has its line.
    monkeypatch.setattr(runs, "_LINE_SECONDS", 0.0)
    monkeypatch.setattr(runs, "_WRITE_SECONDS", 0.0)
    taken = []
    with pytest.raises(KeyboardInterrupt):
        train(
            planned, store, everything, log=Log(store, "20260101t000000-aaaa"),
            stopping=lambda: taken.append(1) or len(taken) > 7,
        )  # fmt: skip
    train(planned, store, everything, log=Log(store, "20260102t000000-bbbb"))
    first, second = runs.listed(store)[::-1]
    every = [line.step for _, line in runs.whole(store, second.id) if line.loss is not None]
    assert every == list(range(1, second.last.steps + 1))
    own = [line.step for line in said(store, second.id) if line.loss is not None]
    assert own == every[-len(own) :]
    assert len(own) < len(every)
    assert runs.before(store, second.id) == (first.id,)
    assert runs.before(store, first.id) == ()
    # Whoever saw some of it is told the rest.
    numbered = list(runs.whole(store, second.id))
    last = numbered[len(numbered) // 2][0]
    assert list(runs.whole(store, second.id, last)) == [one for one in numbered if one[0] > last]


def test_a_run_names_no_slice_after_the_one_that_it_tells_of(written, everything):
    planned, store = written, Memory()
    train(planned, store, everything, log=Log(store))
    for name in runs._names(store):
        assert [slice_.state for slice_ in planned.slices].index(name.state) + 1 == len(
            runs._states(store, name)
        )


def test_lines_are_read_on_from_a_number_without_reading_all_again():
    store = Memory()
    log = Log(store)
    Log(store).tell("state", at(7))
    for number in range(1030):
        log.tell("state", at(number), sample="so cold")
    numbered = list(runs.lines(store, log.run))
    assert len(numbered) == 1030
    after, _ = numbered[700]
    assert [line.step for _, line in runs.lines(store, log.run, after)] == list(range(701, 1030))


def test_lines_come_once_a_second_with_the_mean_loss(monkeypatch):
    now, store = [0.0], Memory()
    monkeypatch.setattr(runs.time, "monotonic", lambda: now[0])
    log = Log(store)
    for step in range(40):
        now[0] += 0.25
        log.tell("state", at(step, loss=float(step)))
    log.tell("state", at(40, phase="done"))
    lines = said(store, log.run)
    assert len(lines) == 11
    assert lines[1].loss == pytest.approx(2.5)


def test_a_child_that_falls_silent_is_noticed(rows, toy, here):
    planned, silent = plan(rows, replace(toy, width=16), here), []

    def pulse(seconds):
        silent.append(seconds)
        if len(silent) > 1:
            os.kill(child._process.pid, signal.SIGKILL)

    with Child(planned) as child:
        os.kill(child._process.pid, signal.SIGSTOP)
        with pytest.raises(TrainingError, match="gone"):
            child.expect(Finish(), State, pulse)
    assert silent[-1] > silent[0] > 0
    assert not Path(f"/proc/{child._process.pid}").exists()
