"""What a training run would learn, decided alike by the command and by its clean run."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from console.bootstrap import Twin
from trainer import base
from trainer.environment import observe
from trainer.recipe import PRESETS, Recipe, preset
from trainer.slices import Plan, plan
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
        folder: The folder of a base; none to learn from nothing.
        recipe_file: A TOML file; what it leaves out is the preset's.
        text: What would stand in such a file, in its place.
        name: A preset; by default `small` with a base, else `voice`.
        view: A view to learn from, before the one that the recipe names.

    Raises:
        NotFound: There is no such file or preset.
        UsageError: The file is no recipe, or the recipe does not go with the base.
    """
    start = name or ("small" if folder else "voice")
    if text.strip():
        found = Recipe.parse(text, start, name="own", where="What you wrote")
    else:
        found = Recipe.read(recipe_file, start) if recipe_file else preset(start)
    if found.kind == "lora" and folder is None:
        raise UsageError(
            f"The recipe {found.name} adapts a base; name one with --base, as a folder or ORG/NAME."
        )
    if found.kind == "scratch" and folder is not None:
        others = ", ".join(one.name for one in PRESETS.values() if one.kind == "lora")
        raise UsageError(
            f"The recipe {found.name} starts from nothing; leave --base out, or take one of "
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
    foundation = base.inspect(folder) if folder is not None else None
    if foundation:
        base.check(foundation, recipe)
    rows = twin.rows(now, view=recipe.view)
    return plan(rows, recipe, observe(recipe), foundation, twin.noise)
