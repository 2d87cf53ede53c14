"""What a training run would learn, decided alike by the command and by its clean run."""

from datetime import datetime
from pathlib import Path

from console.bootstrap import Twin
from trainer.base import inspect
from trainer.environment import observe
from trainer.recipe import Recipe
from trainer.slices import Plan, plan

__all__ = ["planned"]


def planned(twin: Twin, recipe: Recipe, base: Path | None, *, now: datetime | None = None) -> Plan:
    """Plan a run on the rows that are permitted now."""
    return plan(
        twin.rows(now, view=recipe.view),
        recipe,
        observe(recipe),
        inspect(base) if base is not None else None,
    )
