"""Runs that are killed, parent or child, again and again until they arrive.

`python -m tests.trainer.killing FOLDER` trains the plan in a folder, keeping every step; it
imports no model library itself, so that most of a round is spent where it matters.
"""

import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from trainer.environment import Environment
from trainer.finetune import train
from trainer.recipe import Recipe
from trainer.runs import Log, Report
from trainer.slices import Plan, plan
from vault.derived import Derived

__all__ = ["begun", "carried_out", "killed"]

_ROOT = Path(__file__).parents[2]


def rows() -> list:
    """Return the rows of the person of forty rows."""
    spec = importlib.util.spec_from_file_location("rows", Path(__file__).with_name("conftest.py"))
    assert spec
    assert spec.loader
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return [made.row(number, group=f"g{number % 3}") for number in range(36)]


def begun(folder: Path, planned: Plan) -> Path:
    """Make a folder for a run of a plan."""
    folder.mkdir()
    told = {"recipe": planned.recipe.canonical(), "environment": planned.environment.canonical()}
    (folder / "plan.json").write_text(json.dumps(told))
    return folder


def carried_out(folder: Path, report: Report | None = None) -> str:
    """Train what a folder says; return the digest of the weights."""
    told = json.loads((folder / "plan.json").read_text())
    recipe = Recipe.from_canonical(told["recipe"])
    planned = plan(rows(), recipe, Environment.from_canonical(told["environment"]))
    store = Derived(folder / "models", bytes(32))
    return train(
        planned,
        store,
        lambda asked: {row.id for row in asked},
        report,
        log=Log(store),
        every=0.0,
    ).weights


def killed(folder: Path, dice: random.Random) -> str:
    """Start a run or go on with it, and kill its parent or child somewhere.

    Returns:
        The digest of its weights where it arrived before that, else nothing.
    """
    after, whom = dice.randrange(1, 60), dice.choice(["parent", "child"])
    with subprocess.Popen(
        [sys.executable, "-m", "tests.trainer.killing", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=_ROOT,
    ) as process:
        assert process.stdout
        for number, line in enumerate(process.stdout):
            if line.startswith("weights"):
                return line.split()[1]
            if number == after:
                time.sleep(dice.random() * 0.02)
                children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
                target = [int(pid) for pid in children.split()] if whom == "child" else []
                os.kill((target or [process.pid])[0], signal.SIGKILL)
    return ""


def _say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _say("weights", carried_out(Path(sys.argv[1]), lambda at: _say(at.phase, at.step)))
