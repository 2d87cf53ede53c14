"""Verifying the whole log as an order."""

from typing import ClassVar

from console.bootstrap import Twin
from console.pages.orders import Order, Told
from console.use import checking
from vault.application import Report

__all__ = ["Verify"]


class Verify(Order, frozen=True, kw_only=True):
    """Verify every entry, key and signature; `against` is the pod, or nothing."""

    title = "Verifying everything"
    back: ClassVar[str] = "/integrity"
    against: str = ""

    def run(self, twin: Twin, told: Told) -> Report:
        """Return what was found."""
        return checking.verify(twin, told, self.against)
