"""What consent lets into the pod, by type: the rest has only its hash there."""

from collections import Counter
from dataclasses import dataclass

from console.bootstrap import Twin
from vault.consent import Purpose, Subject

__all__ = ["Kind", "Reach", "reach"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A data type: how many items of it there are, and of how many the words may go there."""

    type: str
    items: int
    permitted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What may be mirrored, by type, the largest first.

    It goes by type and source: a statement about a person or a time may hold back more.
    """

    kinds: tuple[Kind, ...]

    @property
    def items(self) -> int:
        """How many items there are."""
        return sum(kind.items for kind in self.kinds)

    @property
    def permitted(self) -> int:
        """Of how many the words may go into the pod."""
        return sum(kind.permitted for kind in self.kinds)


def reach(twin: Twin) -> Reach:
    """Return what may be mirrored now."""
    twin.catch_up()
    now = twin.vault.now()
    judge = twin.views.permissions.judge(Purpose.MIRROR, now)
    items, permitted = Counter[str](), Counter[str]()
    for (source, type_), count in twin.views.timeline.counts().items():
        items[type_] += count
        if judge(Subject(type=type_, source=source)).permitted:
            permitted[type_] += count
    return Reach(
        kinds=tuple(
            Kind(type=type_, items=count, permitted=permitted[type_])
            for type_, count in items.most_common()
        )
    )
