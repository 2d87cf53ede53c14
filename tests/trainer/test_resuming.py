"""What was stopped or killed goes on to the same bits."""

import errno
import multiprocessing
import os
import random
import resource
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from projections import lineage
from tests.trainer import killing
from trainer import finetune, states
from trainer.errors import Diverged, TrainingError
from trainer.finetune import train
from trainer.runs import Log, listed
from trainer.slices import plan
from trainer.states import Memory, checkpoint_of, name_of
from vault.errors import StorageError


@pytest.fixture(scope="module")
def thorough(toy):
    """Everything that a checkpoint must hold: Muon, dropout, steps of two batches, watched rows."""
    return replace(
        toy, accumulate=2, patience=1, trunk=16, slice_rows=16, epochs=3.0, later_epochs=3.0
    )


def copy_of(store):
    twin = Memory()
    for name in store.names():
        twin.write(name, store.read(name))
    return twin


class After:
    """Asks to stop after so many steps."""

    def __init__(self, steps):
        self.left = steps

    def __call__(self):
        self.left -= 1
        return self.left < 0


@pytest.mark.usefixtures("nearby")
def test_a_run_stopped_after_any_step_goes_on_to_the_same_bits(rows, thorough, here, everything):
    planned = plan(rows, thorough, here)
    whole = train(planned, Memory(), everything)
    store, stops = Memory(), 0
    while True:
        try:
            stepped = train(planned, store, everything, every=1e9, stopping=After(0))
        except KeyboardInterrupt:
            stops += 1
            continue
        break
    assert stops > 10
    assert (stepped.weights, stepped.metrics) == (whole.weights, whole.metrics)
    lineage.done(store, planned.state)
    assert set(store.names()) == {name_of(slice_.state) for slice_ in planned.slices}


@pytest.mark.usefixtures("nearby")
def test_keeping_a_slice_while_it_is_learned_changes_no_bit(rows, toy, here, everything):
    planned = plan(rows, toy, here)
    often = train(planned, Memory(), everything, every=0.0, log=Log(Memory()))
    assert often.weights == train(planned, Memory(), everything).weights


@pytest.mark.usefixtures("nearby")
def test_a_slice_ends_early_in_the_weights_that_were_best(rows, thorough, here, everything):
    """A rate that only ever harms: the first epoch is the best, and one more is tried."""
    wild = replace(
        thorough, learning_rate=0.5, matrix_rate=0.5, warmup=0.0, epochs=9.0, later_epochs=9.0
    )
    planned, seen, store = plan(rows, wild, here), [], Memory()
    trained = train(planned, store, everything, seen.append)
    steps = sum(at.loss is not None for at in seen)
    assert steps < seen[-1].steps
    again = train(planned, store, everything)
    assert (again.replayed, again.weights) == (0, trained.weights)


@pytest.mark.usefixtures("nearby")
def test_watched_rows_teach_their_slice_nothing(rows, thorough, here):
    alone = replace(thorough, trunk=64)
    planned = plan(rows, alone, here)
    [watched] = {
        row.id for row in finetune.course(planned.slices[0].rows, (), alone, 0).watched[:1]
    }
    seen = {
        row.id
        for batch in finetune.course(planned.rows, (), alone, 0).epochs
        for step in batch
        for part in step
        for row in part
    }
    assert watched not in seen
    assert len(seen) < len(planned.rows)


@pytest.mark.usefixtures("nearby")
def test_a_checkpoint_that_is_damaged_is_none(rows, toy, here, everything):
    planned, store = plan(rows, toy, here), Memory()
    with pytest.raises(KeyboardInterrupt):
        train(planned, store, everything, stopping=After(2))
    store.write(checkpoint_of(planned.slices[0].state), b"\xc1")
    assert train(planned, store, everything).weights == train(planned, Memory(), everything).weights


@pytest.mark.usefixtures("nearby")
def test_a_withdrawn_row_takes_the_checkpoint_of_its_slice_along(rows, toy, here, everything):
    planned, store = plan(rows, toy, here), Memory()
    gone = planned.slices[1].rows[0].id
    steps = len(finetune.course(planned.slices[0].rows, (), toy, 0).epochs[0]) * 2
    with pytest.raises(KeyboardInterrupt):
        train(planned, store, everything, stopping=After(steps + 1))
    assert checkpoint_of(planned.slices[1].state) in store.names()
    assert planned.slices[1].state in states.traces(store) - states.known(store)
    trained = train(planned, store, lambda asked: {row.id for row in asked} - {gone})
    assert planned.slices[1].state not in states.traces(store)
    clean = train(planned.without({gone}), Memory(), everything)
    assert (trained.weights, trained.state) == (clean.weights, clean.state)


def test_deleting_a_state_takes_its_traces_along_and_counts_states_only():
    store = Memory()
    for name in ("state-a", "checkpoint-a", "run-r-1.000001.a", "checkpoint-b", "twin-1.rows"):
        store.write(name, b"")
    assert states.traces(store) == {"a", "b"}
    assert states.delete(store, {"a", "b", "c"}) == 1
    assert set(store.names()) == {"twin-1.rows"}


class Full(Memory):
    """A disk with room for so many writes."""

    def __init__(self, room):
        super().__init__()
        self.room = room

    def write(self, name, body):
        if self.room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.room -= 1
        super().write(name, body)


@pytest.mark.parametrize("room", [0, 2])
@pytest.mark.usefixtures("nearby")
def test_without_room_the_run_says_how_to_go_on_and_registers_nothing_half(
    rows, toy, here, everything, room
):
    planned, store = plan(rows, toy, here), Full(room)
    with pytest.raises(StorageError, match=r"No space left.*make room.*same command"):
        train(planned, store, everything, every=0.0)
    assert planned.state not in states.known(store)
    store.room = -1
    assert train(planned, store, everything).weights == train(planned, Memory(), everything).weights


@pytest.mark.usefixtures("nearby")
def test_a_run_that_diverges_keeps_nothing_to_go_on_from(rows, toy, here, everything):
    wild = replace(toy, learning_rate=1.0, matrix_rate=1.0, later_share=10.0, clip=1e6, epochs=20.0)
    planned, store = plan(rows, wild, here), Memory()
    log = Log(store)
    with pytest.raises(Diverged, match="learning rate"):
        train(planned, store, everything, every=0.0, log=log)
    assert not any(name.startswith("checkpoint-") for name in store.names())
    [run] = listed(store)
    assert (run.last.phase, run.ended) == ("failed", True)
    assert "learning rate" in run.last.note


def test_a_child_without_memory_says_so(rows, toy, here, everything):
    def squeeze(at):
        if at.phase == "learn":
            child = int(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()[-1])
            size = int(Path(f"/proc/{child}/statm").read_text().split()[0]) * resource.getpagesize()
            resource.prlimit(child, resource.RLIMIT_AS, (size, size))

    large, store = replace(toy, width=512, heads=4, batch=32, trunk=64), Memory()
    with pytest.raises(TrainingError, match=r"Memory ran out; lower the recipe's batch"):
        train(plan(rows, large, here), store, everything, squeeze)
    assert not states.traces(store)


@pytest.fixture
def arrives(rows, thorough, here, everything, nearby):
    """A plan of short steps, and where it leads."""
    del nearby
    recipe = replace(thorough, accumulate=1, batch=4)
    planned = plan([row for row in rows if row.split == "train"], recipe, here)
    return planned, train(planned, Memory(), everything).weights


def dying(folder, events):
    """Go on with a run, in a process that is killed after so many words of its."""
    left = iter(range(events))

    def told(_):
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    killing.carried_out(folder, told)


def test_a_run_that_is_killed_anywhere_goes_on_to_the_same_bits(arrives, tmp_path):
    planned, weights = arrives
    folder = killing.begun(tmp_path / "run", planned)
    for events in (5, 12, 31, 44, 7):
        run = multiprocessing.get_context("fork").Process(target=dying, args=(folder, events))
        run.start()
        run.join()
        assert run.exitcode == -signal.SIGKILL
    assert killing.carried_out(folder) == weights
    assert not any(path.name.startswith("checkpoint-") for path in (folder / "models").iterdir())


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_a_hundred_kills_of_parent_or_child_change_no_bit(arrives, tmp_path):
    (planned, weights), dice, kills, runs = arrives, random.Random(100), 0, 0
    while kills < 100:
        folder, runs = killing.begun(tmp_path / str(runs), planned), runs + 1
        while not (arrived := killing.killed(folder, dice)):
            kills += 1
        assert arrived == weights
        assert not any(
            path.name.startswith("checkpoint-") for path in (folder / "models").iterdir()
        )
    assert runs > 1
