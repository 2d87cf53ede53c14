"""Saying what a preset says, as an order: the views follow, which may take its time."""

from typing import ClassVar

from console.bootstrap import Twin
from console.pages.orders import Order, Told
from console.use import presets
from console.use.presets import Preset

__all__ = ["Apply"]


class Apply(Order, frozen=True, kw_only=True):
    """Say what a preset says."""

    title: ClassVar[str] = "Putting on the record what may be done"
    back: ClassVar[str] = "/begin/allow"
    preset: Preset
    others: bool
    edition: str

    def run(self, twin: Twin, told: Told) -> presets.Applied:
        """Return what was said."""
        return presets.apply(
            twin, self.preset, others=self.others, edition=self.edition, progress=told
        )
