import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from trainer import states
from trainer.errors import NothingPermitted, TrainingError
from trainer.finetune import train
from trainer.slices import plan
from trainer.states import Memory


def running():
    """The processes that this thread started."""
    listed = Path(f"/proc/self/task/{os.getpid()}/children")
    return [int(pid) for pid in listed.read_text().split()] if listed.exists() else []


@pytest.fixture(autouse=True)
def there_before(monkeypatch):
    """What other tests of this process have left running is none of these tests' business."""
    monkeypatch.setattr(sys.modules[__name__], "BEFORE", frozenset(running()))


BEFORE: frozenset[int] = frozenset()


def children():
    """The processes that this test started and that still run."""
    return [pid for pid in running() if pid not in BEFORE]


@pytest.mark.usefixtures("nearby")
def test_consent_withdrawn_between_two_batches_leaves_no_trace(rows, toy, here, everything):
    planned = plan(rows, toy, here)
    gone = planned.slices[2].rows[1].id
    asked = []

    def permitted(some):
        asked.append({row.id for row in some})
        # Consent ends after the row was learned once in its slice's single epoch.
        learned = any(gone in ids and len(ids) <= toy.batch for ids in asked[:-1])
        return asked[-1] - {gone} if learned else asked[-1]

    store = Memory()
    trained = train(planned, store, permitted)
    clean = train(planned.without({gone}), Memory(), everything)
    assert trained.weights == clean.weights
    assert trained.replayed == len(trained.plan.slices) - 2
    assert gone not in {row.id for row in trained.plan.rows}
    assert states.known(store) == {slice_.state for slice_ in clean.plan.slices}


def test_where_consent_ended_for_all_nothing_is_kept(rows, toy, here):
    with pytest.raises(NothingPermitted):
        train(plan(rows, toy, here), Memory(), lambda _: set())
    assert not children()


def test_a_child_that_dies_is_reported_and_finished_slices_are_kept(rows, toy, here, everything):
    def kill(progress):
        if progress.slice == 1 and progress.phase == "learn":
            os.kill(children()[0], 9)

    store = Memory()
    planned = plan(rows, toy, here)
    with pytest.raises(TrainingError, match="killed"):
        train(planned, store, everything, kill)
    assert states.known(store) == {planned.slices[0].state}


def test_an_interrupt_ends_the_child(rows, toy, here, everything):
    def interrupt(progress):
        if progress.phase == "learn":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(plan(rows, toy, here), Memory(), everything, interrupt)
    assert not children()


def test_what_libraries_print_does_not_reach_the_pipe(rows, toy, here, tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        "def hook(event, arguments):\n"
        "    if event == 'import' and arguments[0] == 'safetensors':\n"
        "        os.write(1, b'noise')\n"
        "sys.addaudithook(hook)\n",
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    one = replace(toy, epochs=1.0)
    assert train(plan(rows[:4], one, here), Memory(), lambda some: {row.id for row in some}).weights


GUARDED = """
import sys
from trainer.recipe import Recipe, preset
from trainer.environment import observe
from trainer.slices import foundation_of
from trainer.wire import Begin, Example, Finish, Learn, Slice
from trainer.worker import Learner
from projections.rows import Message

def guard(event, arguments):
    if event.startswith("socket.") and event != "socket.gethostname":
        raise SystemExit(f"socket: {event}")
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        raise SystemExit(f"written: {arguments[0]}")

recipe = preset("scratch", width=16, layers=1, heads=2, threads=1)
environment = observe(recipe).canonical()
sys.addaudithook(guard)
learner = Learner(Begin(recipe=recipe.canonical(), environment=environment,
                        digest=foundation_of(recipe).digest, path=""))
learner.answer(Slice(number=0, steps=1))
example = Example(messages=(Message(role="assistant", content="so cold"),))
learner.answer(Learn(batches=((example,),)))
learner.answer(Finish())
print("learned")
"""


def test_a_step_opens_no_socket_and_writes_no_file():
    done = subprocess.run(
        [sys.executable, "-c", GUARDED],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.stdout == "learned\n", done.stderr


def test_importing_the_trainer_pulls_in_no_model_library():
    code = (
        "import sys, trainer.engine, trainer.forget, trainer.manifest, trainer.base\n"
        "print({'torch', 'transformers', 'peft', 'tokenizers'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
