"""One model examined: what it costs, how it sounds, what it gives away, in one go.

Rows come in as consent lets them through, answers are drawn at temperature 1, and every draw
follows from the seed: the same model, rows and seed give the same report.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from projections.embed import shipped
from projections.redaction.table import Table
from projections.rows import Row
from trainer.engine import Sampling, Voice
from trainer.environment import observe
from trainer.evaluate import exposure, held
from trainer.evaluate.copying import copying, strangeness
from trainer.evaluate.facts import relevance
from trainer.evaluate.held import bits_per_byte, costs, groups
from trainer.evaluate.intervals import Floats
from trainer.evaluate.leaks import leaks
from trainer.evaluate.membership import Shadows, confidence, lira, membership
from trainer.evaluate.report import Group, Measure
from trainer.evaluate.style import Sides, style
from trainer.evaluate.texts import frequent, messages, reply, some, strangers
from trainer.evaluate.tone import tone
from trainer.finetune import Permitted
from trainer.network import Network
from trainer.slices import Foundation, foundation_of
from trainer.states import Store

__all__ = ["FULL", "QUICK", "Depth", "Examined", "Subject", "attacked", "examine"]

_FUNCTION_WORDS = 150
_AT_ONCE = 64
_SAMPLES = 12

Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """How much is looked at.

    Rows of either side, cross-validations, canaries and candidates for each, questions about
    facts of each kind, shadow models and rows of either side that are attacked.
    """

    answers: int
    learned: int
    repeats: int
    canaries: int
    references: int
    questions: int
    shadows: int
    attacked: int


FULL = Depth(
    answers=512,
    learned=1024,
    repeats=3,
    canaries=32,
    references=128,
    questions=100,
    shadows=8,
    attacked=2048,
)
QUICK = Depth(
    answers=64,
    learned=128,
    repeats=1,
    canaries=8,
    references=64,
    questions=10,
    shadows=4,
    attacked=256,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A model, and the rows that it may be asked about.

    `network` is as it was before it learned anything; the examination puts `weights` in.
    """

    network: Network
    weights: bytes
    learned: tuple[Row, ...]
    held: tuple[Row, ...]
    table: Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What was found, and some of what the model said."""

    measures: tuple[Measure, ...]
    groups: tuple[Group, ...]
    samples: tuple[str, ...]


def examine(
    subject: Subject,
    depth: Depth = FULL,
    *,
    seed: int = 0,
    progress: Told | None = None,
) -> Examined:
    """Measure everything but facts and membership.

    Raises:
        TrainingError: The weights are of another model, or scikit-learn is not installed.
    """
    told = _Stages(progress, _STAGES)
    network = subject.network
    # Threads decide the bits of sums, and two on busy cores are slower than one.
    torch.set_num_threads(network.recipe.threads)
    held_rows = _chosen(subject.held, depth.answers, seed)
    learned = _chosen(subject.learned, depth.learned, seed)
    base = _costs(network, (*held_rows, *learned), told.next())
    network.restore(subject.weights)
    trained = _costs(network, (*held_rows, *learned), told.next())
    cut = len(held_rows)
    answers = _answers(network, held_rows, seed, told.next())
    sides = _sides(subject, held_rows, answers, seed)
    kept = frequent(map(reply, subject.learned), _FUNCTION_WORDS)
    measures = [
        bits_per_byte("held_bits_per_byte", trained[:cut], base[:cut], held_rows, seed),
        bits_per_byte("learned_bits_per_byte", trained[cut:], base[cut:], learned, seed),
        *style(sides, kept=kept, repeats=depth.repeats, seed=seed),
        *tone(sides, seed=seed),
        relevance(held_rows, answers, embedder=shipped(), seed=seed),
        strangeness(sides.twin, sides.hers, subject.learned),
        copying(sides.twin, sides.hers, subject.learned),
        _exposed(subject, depth, seed, told),
        *leaks(sides.twin, learned, subject.table),
    ]
    told.done()
    return Examined(
        measures=tuple(measures),
        groups=groups(trained[:cut], base[:cut], held_rows),
        samples=tuple(answers[:_SAMPLES]),
    )


def attacked(
    subject: Subject,
    foundation: Foundation | None,
    depth: Depth,
    *,
    permitted: Permitted,
    store: Store,
    name: str,
    seed: int = 0,
    progress: Told | None = None,
) -> tuple[Measure, ...]:
    """Measure membership; trains shadow models, which takes as long as half a run each.

    Args:
        subject: The model; its weights are put in.
        foundation: The base that it learned on; none for the seed, or for a from-scratch model.
        depth: How many shadows, and rows a side.
        permitted: Asked before each batch of a shadow.
        store: Where confidences of finished shadows are kept until all are there.
        name: Under which.
        seed: Chooses rows and halves.
        progress: Told (shadows done, shadows in all).

    Raises:
        NothingPermitted: No permitted row is left.
    """
    network = subject.network
    members = _chosen(subject.learned, depth.attacked, seed)
    rows = (*members, *_chosen(subject.held, depth.attacked, seed))
    shadows = Shadows(
        rows,
        network.recipe,
        observe(network.recipe),
        foundation or foundation_of(network.recipe),
        count=depth.shadows,
        seed=seed,
    )

    def confident(weights: bytes) -> Floats:
        network.restore(weights)
        return confidence(_costs(network, rows, None))

    others = shadows.train(confident, permitted, store, name, progress)
    own = confident(subject.weights)
    inside = [True] * len(members) + [False] * (len(rows) - len(members))
    return membership(rows, inside, lira(own, others, shadows.saw), own, seed)


def _chosen(rows: Sequence[Row], most: int, seed: int) -> tuple[Row, ...]:
    """Return some rows in an order of their own; which ones hardly changes when rows come and go."""
    return tuple(sorted(rows, key=lambda row: random.Random(f"{seed}.{row.id}").random())[:most])  # noqa: S311


def _costs(network: Network, rows: Sequence[Row], progress: Told | None) -> list[held.Cost]:
    return costs(network, [row.messages for row in rows], progress)


def _answers(
    network: Network,
    rows: Sequence[Row],
    seed: int,
    progress: Told | None,
) -> list[str]:
    """Let the model answer what she answered; each stretch has a seed of its own."""
    voice = Voice(network)
    found: list[str] = []
    for at in range(0, len(rows), _AT_ONCE):
        prompts = [row.messages[:-1] for row in rows[at : at + _AT_ONCE]]
        found += voice.answers(prompts, Sampling(seed=seed * 1_000 + at // _AT_ONCE))
        if progress:
            progress(len(found), len(rows))
    return found


def _sides(subject: Subject, rows: Sequence[Row], answers: Sequence[str], seed: int) -> Sides:
    hers = messages(map(reply, rows))
    own = sorted(set(messages(map(reply, subject.learned))))
    return Sides(
        hers=hers,
        twin=messages(answers),
        own=some(own, len(hers), seed),
        strangers=some(strangers((*subject.learned, *subject.held)), len(hers), seed),
    )


def _exposed(subject: Subject, depth: Depth, seed: int, told: "_Stages") -> Measure:
    def made(rows: Sequence[Row]) -> tuple[exposure.Canary, ...]:
        return exposure.canaries(
            rows,
            subject.learned,
            most=depth.canaries,
            references=depth.references,
            seed=seed,
        )

    seen, never = made(subject.learned), made(subject.held)
    ours = exposure.exposure(subject.network, seen, told.next())
    control = exposure.exposure(subject.network, never, told.next())
    by_heart = exposure.taught(subject.network, never, told.next()) if never else ()
    return exposure.measure(ours, control, by_heart, seen, seed)


_STAGES = 6
_FINE = 100


class _Stages:
    """Makes one count of the counts of several stages."""

    def __init__(self, progress: Told | None, stages: int) -> None:
        self._progress = progress
        self._all = stages * _FINE
        self._at = 0

    def next(self) -> Told:
        """Begin a stage; return what it tells."""
        before = self._at
        self._at += _FINE

        def told(done: int, total: int) -> None:
            if self._progress:
                self._progress(before + done * _FINE // max(1, total), self._all)

        return told

    def done(self) -> None:
        """Say that all stages are over."""
        if self._progress:
            self._progress(self._all, self._all)
