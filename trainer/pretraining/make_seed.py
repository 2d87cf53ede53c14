"""Make the seed: `python -m trainer.pretraining.make_seed FOLDER WORK`.

A Llama of 6.4 million weights reads rows of 256 ids in laps: at a steady pace first, then
ever slower, while the mix leans towards everyday talk (warm-up, stable, decay: Hu et al., MiniCPM,
arXiv 2404.06395). Hidden matrices learn by Muon, the rest by AdamW, as everywhere here. What a
step reads follows from its number, and a checkpoint holds all else, so a run that was stopped
goes on as if it had not been.
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer

from trainer import held, seed
from trainer.optimizing import optimizers
from trainer.pretraining import corpus
from trainer.pretraining.model import PLAN, Seed, bits
from trainer.pretraining.shipping import ship
from trainer.tokenizer import Fixed
from vault.errors import VaultError

__all__ = ["main", "make"]

_KEPT = "checkpoint.safetensors"
_EVERY = 300.0
_TOLD, _MEASURED, _SOME = 50, 500, 96


class Stopped(Exception):
    """Somebody wants the run to end; it goes on from what it kept."""


def make(folder: Path, work: Path, out: Path) -> str:
    """Learn what a folder of text teaches, and write the seed; return its digest.

    Args:
        folder: Holds the files of `corpus.SETS`.
        work: Where the run keeps how far it is.
        out: Where the seed is written.

    Raises:
        NotFound: A file of the text is missing.
        UsageError: A file is another one than the seed was made from.
        Stopped: The run was asked to stop, and has kept where it is.
    """
    torch.set_num_threads(PLAN.recipe.threads)
    work.mkdir(parents=True, exist_ok=True)
    fixed = Fixed(PLAN.recipe)
    tokenizer = Tokenizer.from_file(str(seed.FOLDER / "tokenizer.json"))
    tokenizer.encode_special_tokens = True
    streams = list(corpus.read(folder, tokenizer))
    for one in streams:
        _tell(f"{one.set.name}: {len(one.plain.ids):,} ids, {len(one.held):,} held out")
    made = Seed(PLAN, fixed.size)
    _learn(made, streams, work / _KEPT)
    for one in streams:
        _tell(f"{one.set.name}: {bits(made, PLAN, one.held, one.held_bytes):.4f} bits a byte")
    return ship(made, streams, fixed, out)


def _learn(made: Seed, streams: Sequence[corpus.Stream], kept: Path) -> None:
    movers = optimizers(made.trained, PLAN.recipe)
    step = held.restore(kept.read_bytes(), made, movers) if kept.exists() else 0
    stopping: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda said, _: stopping.append(said))
    learn = torch.compile(made.loss)
    made.model.train()
    due, began, first = time.monotonic() + _EVERY, time.monotonic(), step
    while step < PLAN.steps:
        rows = corpus.draws(streams, PLAN.rows, PLAN.row + 1, step, PLAN.phase(step))
        for mover in movers:
            for group in mover.param_groups:
                group["lr"] = group["peak"] * PLAN.pace(step)
        loss = learn(torch.from_numpy(rows))
        made.model.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(made.trained.values(), PLAN.recipe.clip)
        for mover in movers:
            mover.step()
        step += 1
        if step % _TOLD == 0:
            pace = (step - first) / (time.monotonic() - began)
            _tell(f"{step:,} of {PLAN.steps:,} steps, loss {loss.item():.3f}, {pace:.2f} a second")
        if step % _MEASURED == 0:
            _tell(" ".join(f"{bits(made, PLAN, s.held, s.held_bytes, _SOME):.3f}" for s in streams))
        if stopping or time.monotonic() > due:
            _keep(kept, held.save(step, made, movers))
            due = time.monotonic() + _EVERY
        if stopping:
            raise Stopped
    _keep(kept, held.save(step, made, movers))


def _keep(path: Path, body: bytes) -> None:
    draft = path.with_suffix(".draft")
    draft.write_bytes(body)
    os.replace(draft, path)  # noqa: PTH105


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    given = argparse.ArgumentParser(prog="make_seed", description=__doc__)
    given.add_argument("folder", type=Path, help="the folder of public text")
    given.add_argument("work", type=Path, help="where to keep how far it is")
    given.add_argument("--out", type=Path, default=seed.FOLDER)
    said = given.parse_args(arguments)
    try:
        _tell(f"The seed's digest is {make(said.folder, said.work, said.out)}.")
    except Stopped:
        _tell("Stopped; the same command goes on from here.")
        return 130
    except VaultError as error:
        _tell(str(error))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
