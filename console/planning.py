"""What a training run would learn, decided alike by the command and by its clean run."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from console.bootstrap import Twin
from trainer import base, seed
from trainer.environment import observe
from trainer.recipe import PRESETS, Recipe, preset
from trainer.slices import Foundation, Plan, foundation_of, plan
from vault.errors import UsageError

__all__ = ["chosen", "planned"]


def chosen(
    folder: Path | None,
    recipe_file: Path | None,
    name: str = "",
    view: str = "",
    *,
    text: str = "",
) -> Recipe:
    """Return the recipe that a person asked for.

    Args:
        folder: The folder of a base; none for the seed, or to learn from nothing.
        recipe_file: A TOML file; what it leaves out is the preset's.
        text: What would stand in such a file, in its place.
        name: A preset; by default `small` with a base, else `voice`.
        view: A view to learn from, before the one that the recipe names.

    Raises:
        NotFound: There is no such file or preset.
        UsageError: The file is no recipe, or the recipe does not go with the base.
    """
    start = name or ("small" if folder else "")
    if text.strip():
        found = Recipe.parse(text, start, name="own", where="What you wrote")
    else:
        found = Recipe.read(recipe_file, start) if recipe_file else preset(start or "voice")
    if found.kind == "lora" and folder is None:
        raise UsageError(
            f"The recipe {found.name} adapts a base; name one with --base, as a folder, ORG/NAME, "
            f"or {seed.NAME} for the small one that ships."
        )
    if found.kind != "lora" and folder is not None:
        others = ", ".join(one.name for one in PRESETS.values() if one.kind == "lora")
        start = "nothing" if found.kind == "scratch" else "the seed that ships"
        raise UsageError(
            f"The recipe {found.name} starts from {start}; leave --base out, or take one of "
            f"{others}."
        )
    return replace(found, view=view or found.view)


def planned(
    twin: Twin, recipe: Recipe, folder: Path | None, *, now: datetime | None = None
) -> Plan:
    """Plan a run on the rows that are permitted now.

    Raises:
        BaseRefused: The base may not be loaded, or is none for this recipe or machine.
        NothingPermitted: Consent allows no row.
    """
    foundation = _foundation(recipe, folder)
    if recipe.kind != "scratch":
        base.require(foundation)
        base.check(foundation, recipe)
    rows = twin.rows(now, view=recipe.view)
    return plan(rows, recipe, observe(recipe), foundation, twin.noise)


def _foundation(recipe: Recipe, folder: Path | None) -> Foundation:
    """Return the base in a folder; the seed is the seed wherever the program lies."""
    if folder is None or folder.resolve() == seed.FOLDER.resolve():
        return foundation_of(recipe)
    return base.inspect(folder)
