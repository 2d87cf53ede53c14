"""Figures: what was asked, what was reached, as a table and as JSON."""

from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["Figure", "as_json", "table"]


class Figure(NamedTuple):
    """A figure; `sign` is `<=` or `>=`, or empty where it is only reported."""

    what: str
    reached: float | None
    sign: str = ""
    asked: float | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether it is as asked; None where nothing was asked or it was not measured."""
        if self.reached is None or self.asked is None:
            return None
        return self.reached <= self.asked if self.sign == "<=" else self.reached >= self.asked


def as_json(figures: Iterable[Figure]) -> list[dict[str, float | str | bool | None]]:
    """Return figures as JSON knows them."""
    return [figure._asdict() | {"met": figure.met} for figure in figures]


_MET = {True: "met", False: "MISSED", None: ""}


def table(figures: Iterable[Figure]) -> str:
    """Return figures as lines of a Markdown table."""
    lines = ["| what | asked | reached | | |", "| --- | --- | --- | --- | --- |"]
    for figure in figures:
        asked = f"{figure.sign} {figure.asked:g}" if figure.asked is not None else "-"
        reached = "not measured" if figure.reached is None else f"{figure.reached:.3f}"
        lines.append(
            f"| {figure.what} | {asked} | {reached} | {_MET[figure.met]} | {figure.note} |"
        )
    return "\n".join(lines)
