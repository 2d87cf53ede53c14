"""Looking at what forgetting would take, forgetting, and finishing what was interrupted."""

from pathlib import Path
from typing import ClassVar

import msgspec

from console.bootstrap import Twin
from console.pages.orders import Order, Told
from console.use import foreseeing, forgetting, retaining
from console.use.foreseeing import Choice, Foreseen, Meant

__all__ = ["Finish", "Foresee", "Forget", "Gone", "Tidy"]


class Gone(msgspec.Struct, frozen=True, kw_only=True):
    """That something was forgotten: how many items, and the name of the certificate."""

    items: int
    certificate: str


class Foresee(Order, frozen=True, kw_only=True):
    """Look at what forgetting would take away."""

    title = "Looking at what would go"
    back: ClassVar[str] = "/forget"
    choice: Choice

    def run(self, twin: Twin, told: Told) -> Foreseen:
        """Return what would go."""
        twin.catch_up(told)
        return foreseeing.foresee(twin, self.choice)


class Forget(Order, frozen=True, kw_only=True):
    """Forget what was looked at."""

    title = "Forgetting"
    back: ClassVar[str] = "/forget"
    can_stop: ClassVar[bool] = False
    erases: ClassVar[bool] = True
    seen: Meant

    def run(self, twin: Twin, told: Told) -> Gone:
        """Return the certificate."""
        twin.catch_up(told)
        done = foreseeing.forget(twin, self.seen)
        return Gone(items=done.items, certificate=_name(done.certificate))


class Finish(Order, frozen=True, kw_only=True):
    """Finish an erasure that was interrupted."""

    title = "Finishing what was interrupted"
    back: ClassVar[str] = "/forget"
    can_stop: ClassVar[bool] = False
    erases: ClassVar[bool] = True

    def run(self, twin: Twin, told: Told) -> Gone:
        """Return the certificate; an empty name where nothing had been decided yet."""
        twin.catch_up(told)
        done = forgetting.finish(twin)
        if done is None:
            return Gone(items=0, certificate="")
        return Gone(items=done.items, certificate=_name(done.certificate))


class Tidy(Order, frozen=True, kw_only=True):
    """Do what is owed: finish erasures, and erase what is past its days."""

    title = "Tidying up"
    back: ClassVar[str] = "/forget"
    can_stop: ClassVar[bool] = False
    erases: ClassVar[bool] = True

    def run(self, twin: Twin, told: Told) -> None:
        """Return nothing: certificates say what went."""
        twin.catch_up(told)
        retaining.tidy(twin)


def _name(paper: Path | None) -> str:
    return paper.stem.removeprefix("certificate-") if paper else ""
