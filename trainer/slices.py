"""Slices and their states: the build graph that makes forgetting exact.

A slice is a consent class x a stretch of time. All epochs of a slice run before the next,
each with a fresh optimizer, and after each the trained weights are kept under a name that
is a digest of everything they depend on. Taking a row away changes the names from its
slice on; what comes before keeps its name and need not be learned again.

Held rows shape nothing: they are measured after the last slice, so no name contains them.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from projections.rows import Row, digest
from trainer import seed
from trainer.environment import Environment
from trainer.errors import NothingPermitted
from trainer.private import Secret
from trainer.rare import common
from trainer.recipe import Recipe
from trainer.tokenizer import fixed_digest
from vault.errors import UsageError

__all__ = ["Foundation", "Plan", "Slice", "foundation_of", "plan"]

_EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Foundation:
    """What learning starts from: the digest of a base, or of the fixed tokenizer alone.

    A base without a path is the seed that ships, wherever the program lies.
    """

    digest: str
    path: str = ""

    @property
    def folder(self) -> Path:
        """Where the files of a base are."""
        return Path(self.path) if self.path else seed.FOLDER


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Rows that are learned together, and the state that follows them."""

    name: str
    rows: tuple[Row, ...]
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A whole run, decided before it begins."""

    recipe: Recipe
    environment: Environment
    foundation: Foundation
    slices: tuple[Slice, ...]
    held: tuple[Row, ...]
    secret: Secret | None = None

    @property
    def rows(self) -> tuple[Row, ...]:
        """Every row that is learned, in the order of the slices."""
        return tuple(row for slice_ in self.slices for row in slice_.rows)

    @property
    def state(self) -> str:
        """The state that the whole run ends in."""
        return self.slices[-1].state

    def keys(self, index: int) -> tuple[bytes, bytes]:
        """Return what the coins and the noise of a slice are drawn from; nothing where none are."""
        if self.secret is None:
            return b"", b""
        state = self.slices[index].state
        return self.secret.coins(state), self.secret.noise(state)

    def before(self, index: int) -> tuple[Row, ...]:
        """Return the rows of the slices before one."""
        return tuple(row for slice_ in self.slices[:index] for row in slice_.rows)

    def common(self, index: int) -> tuple[str, ...]:
        """Return the words that a slice learns as themselves; none where it learns all so."""
        if not self.recipe.hides:
            return ()
        return common((*self.before(index), *self.slices[index].rows), self.recipe.rare)

    def without(self, ids: AbstractSet[str]) -> "Plan":
        """Return the plan as if these rows had never been.

        Raises:
            NothingPermitted: No row is left.
        """
        kept = [row for row in (*self.rows, *self.held) if row.id not in ids]
        return plan(kept, self.recipe, self.environment, self.foundation, self.secret)


def foundation_of(recipe: Recipe) -> Foundation:
    """Return what a recipe starts from that is given no base: the seed, or nothing but words."""
    return Foundation(digest=fixed_digest() if recipe.kind == "scratch" else seed.DIGEST)


def plan(
    rows: Iterable[Row],
    recipe: Recipe,
    environment: Environment,
    foundation: Foundation | None = None,
    secret: Secret | None = None,
) -> Plan:
    """Decide slices and their states. Pure: the same rows in any order give the same plan.

    Args:
        rows: Learned and held rows.
        recipe: How to train.
        environment: Where.
        foundation: The base (`trainer.base.inspect`); none for the seed, or where nothing is.
        secret: What a private recipe draws its noise from; its commitment is in every name.

    Raises:
        UsageError: The recipe is private and there is no secret.
        NothingPermitted: There is nothing to learn from, or one row.
    """
    foundation = foundation or foundation_of(recipe)
    unique = {row.id: row for row in rows}
    learned = [row for row in unique.values() if row.split == "train"]
    if not learned:
        raise NothingPermitted("No permitted row is left to learn from; allow `train` for a type.")
    if len(learned) == 1:
        raise NothingPermitted(
            "One permitted row is too little to learn from; collect more, or allow `train` for "
            "another type."
        )
    state = _start(recipe, environment, foundation, secret)
    slices = []
    for index, cut in enumerate(_cut(_ordered(learned), recipe)):
        state = _next(state, cut)
        slices.append(Slice(name=f"{index:02d}", rows=tuple(cut), state=state))
    held = sorted((row for row in unique.values() if row.split == "held"), key=lambda r: r.id)
    return Plan(
        recipe=recipe,
        environment=environment,
        foundation=foundation,
        slices=tuple(slices),
        held=tuple(held),
        secret=secret if recipe.noise else None,
    )


def _ordered(rows: Sequence[Row]) -> list[Row]:
    """Put consent classes in order, large ones first, and each class in order of time.

    A class that much was collected under has stood longest and feeds the trunk; a small
    one stands last, where taking it back costs least. Sizes are compared by powers of
    two, so that one row less hardly ever moves a class.
    """
    classes: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        classes[row.group].append(row)
    ordered = sorted(classes.items(), key=lambda item: (-len(item[1]).bit_length(), item[0]))
    return [row for _, members in ordered for row in sorted(members, key=_when)]


def _when(row: Row) -> tuple[datetime, str]:
    return row.at or _EARLIEST, row.id


def _cut(rows: list[Row], recipe: Recipe) -> list[list[Row]]:
    """Cut off a trunk, then equal slices, from the front: a row moves no cut before it.

    A short rest joins the slice before it, since few rows teach a fresh optimizer little.
    """
    cuts = [rows[: recipe.trunk]]
    cuts += [
        rows[at : at + recipe.slice_rows]
        for at in range(recipe.trunk, len(rows), recipe.slice_rows)
    ]
    if len(cuts) > 1 and len(cuts[-1]) < recipe.slice_rows / 2:
        rest = cuts.pop()
        cuts[-1] = cuts[-1] + rest
    return cuts


def _start(
    recipe: Recipe, environment: Environment, foundation: Foundation, secret: Secret | None
) -> str:
    parts = recipe.canonical(), environment.canonical(), foundation.digest
    if not recipe.noise:
        return _hash("start", *parts)
    if secret is None:
        raise UsageError("A recipe with noise needs the vault's secret to draw it from.")
    return _hash("start", *parts, secret.commitment)


def _next(state: str, rows: Sequence[Row]) -> str:
    # The digest is taken of the content and not believed from the id.
    return _hash("slice", state, *(digest(row.events, row.messages, row.split) for row in rows))


def _hash(*parts: str) -> str:
    told = hashlib.sha256()
    for part in ("twinvault.state/1", *parts):
        body = part.encode()
        told.update(len(body).to_bytes(8, "big") + body)
    return told.hexdigest()
