"""The whole at a glance: what is kept, what may be done with it, and what needs the owner.

Everything here is counted already, so that it takes no longer in a vault of a million items.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

from console import bootstrap
from console.bootstrap import Twin
from console.use import podding
from console.use.presets import broadly, is_broad
from projections.chronicle import UNDATED
from vault.consent import SENSITIVE, Effect, Pause, Purpose, Statement

__all__ = ["Extent", "Kind", "Notice", "Overview", "Trouble", "overview"]

_SHOWN = (Purpose.SEARCH, Purpose.TRAIN, Purpose.MIRROR)
_NEWEST = 500


class Extent(StrEnum):
    """How much of a type may be used for a purpose."""

    ALL = "all"
    SOME = "some"
    NONE = "none"


class Trouble(StrEnum):
    """Why something needs the owner."""

    SUSPENDED = "suspended"
    PAUSED = "paused"
    ASKED = "asked"
    UNREAD = "unread"
    OWED = "owed"
    WAITING = "waiting"
    PAPER = "paper"
    NEW = "new"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that needs the owner: how many there are, or which models."""

    trouble: Trouble
    count: int = 0
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A data type: how many items, and how much of it may be searched, learned, mirrored."""

    type: str
    items: int
    is_sensitive: bool
    search: Extent
    train: Extent
    mirror: Extent


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What a vault holds, what may be done with it, and what needs the owner.

    `first` and `last` are the months between which its items are dated; `sources` are where
    they came from, the largest first. `searchable` items are of types that may be searched as a
    whole, `examples` were made to learn from, `model` is the newest one that may answer.
    """

    items: int
    first: datetime | None
    last: datetime | None
    since: datetime | None
    kinds: tuple[Kind, ...]
    sources: tuple[tuple[str, int], ...]
    searchable: int
    examples: int
    model: str
    models: int
    is_linked: bool
    notices: tuple[Notice, ...]


def overview(twin: Twin, begins: Callable[[date], datetime] | None = None) -> Overview:
    """Return the whole at a glance.

    Args:
        twin: The open vault.
        begins: When a day begins, where months are not to be those of UTC.
    """
    twin.catch_up()
    counted = twin.views.timeline.chronicle.counted(begins)
    kinds: dict[str, dict[str, int]] = {}
    sources: dict[str, int] = {}
    for one in counted:
        kinds.setdefault(one.type, {}).setdefault(one.source, 0)
        kinds[one.type][one.source] += one.items
        sources[one.source] = sources.get(one.source, 0) + one.items
    months = sorted(one.month for one in counted if one.month != UNDATED)
    models = twin.views.lineage.models()
    judged = tuple(_kinds(twin, kinds))
    return Overview(
        items=sum(sources.values()),
        first=_month(months[0]) if months else None,
        last=_month(months[-1]) if months else None,
        since=twin.views.imports.began(),
        kinds=judged,
        sources=tuple(sorted(sources.items(), key=lambda one: (-one[1], one[0]))),
        searchable=sum(one.items for one in judged if one.search is Extent.ALL),
        examples=twin.views.training.count(),
        model=next((one.id for one in models if one.status == "trained"), ""),
        models=len(models),
        is_linked=twin.is_linked,
        notices=tuple(_notices(twin, judged)),
    )


def _month(number: int) -> datetime:
    return datetime(number // 100, number % 100, 1, tzinfo=UTC)


def _kinds(twin: Twin, kinds: dict[str, dict[str, int]]) -> Iterator[Kind]:
    grounds = {
        purpose: twin.views.permissions.judge(purpose, twin.now).grounds for purpose in _SHOWN
    }
    for name, sources in sorted(kinds.items(), key=lambda one: (-sum(one[1].values()), one[0])):
        search, train, mirror = (
            _extent(grounds[purpose], name, sources, purpose) for purpose in _SHOWN
        )
        yield Kind(
            type=name,
            items=sum(sources.values()),
            is_sensitive=name.partition(".")[0] in SENSITIVE,
            search=search,
            train=train,
            mirror=mirror,
        )


def _extent(
    grounds: tuple[Statement | Pause, ...], name: str, sources: dict[str, int], purpose: Purpose
) -> Extent:
    """Say how much of a type may be used; what is said of single items makes it some."""
    said = [one for one in grounds if isinstance(one, Statement)]
    pauses = [one for one in grounds if isinstance(one, Pause) and _touches(one.type, name)]
    allowed = {
        source
        for source in sources
        if broadly(said, name, source, purpose).permitted
        and not any(not one.person and one.source in {"", source} for one in pauses)
    }
    narrow = {
        one.effect for one in said if not is_broad(one.filters) and _touches(one.type, name)
    } | {Effect.DENY for one in pauses if one.person}
    if not allowed:
        return Extent.SOME if Effect.ALLOW in narrow and not pauses else Extent.NONE
    if len(allowed) < len(sources) or Effect.DENY in narrow:
        return Extent.SOME
    return Extent.ALL


def _touches(wide: str, name: str) -> bool:
    return not wide or name == wide or name.startswith(wide + ".")


def _notices(twin: Twin, kinds: tuple[Kind, ...]) -> Iterator[Notice]:
    suspended = tuple(one.id for one in twin.views.lineage.models() if one.status == "suspended")
    if suspended:
        yield Notice(trouble=Trouble.SUSPENDED, count=len(suspended), models=suspended)
    permissions = twin.views.permissions
    pod = podding.status(twin) if twin.is_linked else None
    counts = (
        (Trouble.ASKED, len(permissions.waiting)),
        (Trouble.PAUSED, len(permissions.pauses)),
        (Trouble.UNREAD, _unread(twin)),
        (
            Trouble.NEW,
            sum(one.items for one in kinds if _is_undecided(one, permissions.statements)),
        ),
        (Trouble.OWED, pod.owed if pod else 0),
        (Trouble.WAITING, pod.waiting if pod else 0),
        (Trouble.PAPER, len(bootstrap.recovery_pages(twin.home))),
    )
    for trouble, count in counts:
        if count:
            yield Notice(trouble=trouble, count=count)


def _unread(twin: Twin) -> int:
    """Return what could not be read in the newest imports, and was not tried again since."""
    newest = twin.views.imports.before(2**62, _NEWEST)
    retried = {one.event.retried for one in newest}
    return sum(
        count for one in newest if one.id not in retried for _, count in one.event.bad_reasons
    )


def _is_undecided(kind: Kind, said: tuple[Statement, ...]) -> bool:
    """Whether she said how others may be used, and nothing of this one."""
    used = [one for one in said if one.purpose in {Purpose.SEARCH, Purpose.TRAIN}]
    return (
        bool(used)
        and not kind.is_sensitive
        and not any(_touches(one.type, kind.type) for one in used)
    )
