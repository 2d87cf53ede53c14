"""What every source must pass, built in or from elsewhere, on any sample of what it reads.

All of it runs in the confined child in which it would run for real, so that a source that
crashes, hangs or reaches for the network is found out by that. The sample is read in place;
what is changed in it is changed in memory.
"""

import locale
import os
import time
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from random import Random

import msgspec
from msgspec import structs

from vault.collectors import registry
from vault.collectors.api import About, Carrier, Record, Source
from vault.collectors.detect import parts
from vault.collectors.mutations import mutated
from vault.collectors.readers import worker
from vault.collectors.readers.archives import grow, planted
from vault.collectors.readers.text import clean
from vault.collectors.readers.tree import Tree, Unreadable
from vault.collectors.readers.worker import Died, Limits, Outlet
from vault.errors import NotFound, UsageError
from vault.items import Bad, Content, Item, Progress

__all__ = ["Check", "Report", "check", "files_of", "read_everything", "wrong_in"]

MUTATIONS = 200
"""How many damaged samples a check reads, unless it is told otherwise."""

_LARGEST = 8 << 20
_LONGEST_REASON = 500
_ZONES = ("Asia/Kolkata", "America/St_Johns")
_LOCALES = ("tr_TR.UTF-8", "de_DE.UTF-8")
_CHECK = b"c"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that a source must do, and where it does not: `reason` says what to mend."""

    name: str
    passed: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a check of a source found on a sample of so many items and unread records."""

    source: str
    sample: str
    items: int
    bad: int
    passed: bool
    checks: tuple[Check, ...]


class _Job(msgspec.Struct):
    """What the child is to check."""

    source: str
    path: str
    me: list[str]
    mutations: int


class _Told(msgspec.Struct):
    """One check, as the child tells it, with the numbers of the sample."""

    name: str
    reason: str
    items: int = 0
    bad: int = 0


def check(
    source: str,
    sample: Path,
    me: frozenset[str] = frozenset(),
    *,
    mutations: int = MUTATIONS,
    limits: Limits | None = None,
) -> Report:
    """Check a source on a sample of what it reads, and report on each thing that it must do.

    Args:
        source: Its name.
        sample: A file, folder or archive as it is exported; small, so that much can be done to it.
        me: The owner's names in the sample, as `vault.consent.normal` writes them.
        mutations: How many damaged samples to try.
        limits: What the child may use.

    Raises:
        NotFound: There is nothing at the path.
        UsageError: There is no source of that name, or it does not load.
    """
    if not sample.exists():
        raise NotFound(f"There is nothing at {sample}.")
    _, broken = registry.load(source)
    if broken:
        raise UsageError(f"{broken[0]} Import its module by hand to see why.")
    job = _Job(source=source, path=str(sample.absolute()), me=sorted(me), mutations=mutations)
    told: list[_Told] = []
    try:
        for _, payload in worker.run(
            "vault.collectors.conformance:work", msgspec.msgpack.encode(job), limits
        ):
            told.append(msgspec.msgpack.decode(payload, type=_Told))
    except Died as death:
        where = f" at {death.where}" if death.where else ""
        reason = f"{death.reason}{where}; call `tree.enter` before what may kill the reader"
        told.append(_Told("it survives", reason))
    return Report(
        source=source,
        sample=sample.name,
        items=max((one.items for one in told), default=0),
        bad=max((one.bad for one in told), default=0),
        passed=not any(one.reason for one in told),
        checks=tuple(
            Check(name=one.name, passed=not one.reason, reason=one.reason) for one in told
        ),
    )


def work(encoded: bytes, outlet: Outlet) -> None:
    """Do the checks, in the child."""
    job = msgspec.msgpack.decode(encoded, type=_Job)
    (source,), _ = registry.load(job.source)
    sample = _Sample(source, Path(job.path), frozenset(job.me))
    first = sample.read()
    items = sum(isinstance(one, Item) for one in first)
    bad = sum(isinstance(one, Bad) for one in first)
    for name, judge in _CHECKS.items():
        outlet.enter(name)
        reason = judge(sample, first, outlet, job)
        outlet.send(_CHECK, msgspec.msgpack.encode(_Told(name, reason, items, bad)))


def read_everything(source: Source, tree: Tree, me: frozenset[str]) -> Iterator[Record]:
    """Yield what a source reads of all that it claims in a tree, then what nobody read."""
    for part in parts(tree, [source]):
        if isinstance(part, Bad):
            yield part
        else:
            yield from map(part.tree.placed, part.source.read(part.tree, None, me))


def wrong_in(records: Sequence[Record], source: Source, tree: Tree) -> str:
    """Return what is wrong with all that was read of a tree, or nothing.

    Read and unread together are all there is: each file gave a record, was opened for the
    record of another, or is told as bad.
    """
    told = {one.locator for one in records if isinstance(one, Item | Bad)}
    lost = [
        one.path
        for one in tree.files
        if one.path not in tree.opened and tree.located(one.path) not in told
    ]
    if not told or lost:
        where = lost[0] if lost else "it"
        return f"nothing is told of {where}; yield an Item or a Bad for each record"
    return next(filter(None, (_wrong_with(one, source, tree) for one in records)), "")


def _wrong_with(record: Record, source: Source, tree: Tree) -> str:
    if isinstance(record, Item):
        return _wrong_item(record, source) or _wrong_place(record.locator, tree)
    if isinstance(record, Bad):
        reason = record.reason
        if not reason or not reason.isprintable() or len(reason) > _LONGEST_REASON:
            return "a Bad has no reason of one short line"
        return _wrong_place(record.locator, tree)
    return ""


def files_of(sample: Path) -> dict[str, bytes]:
    """Return the files of a sample as they lie on the disk, by path within it."""
    if sample.is_file():
        return {sample.name: sample.read_bytes()}
    found = sorted(one for one in sample.rglob("*") if one.is_file())
    return {one.relative_to(sample).as_posix(): one.read_bytes() for one in found}


class _Sample:
    """A sample that can be read again and again, from its beginning each time."""

    def __init__(self, source: Source, path: Path, me: frozenset[str]) -> None:
        self.source = source
        self.path = path
        self.me = me

    def grow(self) -> Tree:
        return grow(self.path)

    def read(self) -> list[Record]:
        return _kept(read_everything(self.source, self.grow(), self.me))

    def planted(self, files: Mapping[str, bytes]) -> Tree:
        return planted("" if self.path.is_file() else self.path.name, files)


def _kept(records: Iterator[Record]) -> list[Record]:
    return [one for one in records if not isinstance(one, Progress)]


# --- what is judged: each returns what is wrong and what to do, or nothing ---

_Judge = Callable[[_Sample, list[Record], Outlet, _Job], str]


def _about(sample: _Sample, *_: object) -> str:
    about = getattr(sample.source, "about", None)
    if not isinstance(about, About):
        return (
            "it has no `about`; say with `About` what it reads, on which evidence, and where to ask"
        )
    if not (about.title and about.formats and about.paths and about.how):
        return "its `about` leaves something out; fill in title, formats, paths and how"
    return ""


def _detects(sample: _Sample, first: list[Record], *_: object) -> str:
    if not any(isinstance(one, Item) for one in first):
        return "it reads no item of the sample; is it one, and does `detect` claim it?"
    tree = sample.grow()
    claims = [part for part in parts(tree, [sample.source]) if not isinstance(part, Bad)]
    if not all(0 <= sample.source.detect(part.tree) <= 1 for part in claims):
        return "`detect` answers otherwise than from 0 to 1"
    return ""


def _refuses(sample: _Sample, *_: object) -> str:
    noise = Random(0).randbytes(4096)  # noqa: S311 - noise is no secret
    strangers = {"a.bin": noise, "noise": noise, "b.jpg": b"\xff\xd8\xff\xe0\x00\x10JFIF" + noise}
    tree = planted("strangers", strangers)
    if sample.source.detect(tree) or any(
        sample.source.detect(tree.sub([file])) for file in tree.files
    ):
        return "`detect` claims noise and pictures; look at the first bytes before you answer"
    return ""


def _contract(sample: _Sample, *_: object) -> str:
    tree = sample.grow()
    return wrong_in(_kept(read_everything(sample.source, tree, sample.me)), sample.source, tree)


def _one_id_each(sample: _Sample, first: list[Record], *_: object) -> str:
    del sample
    seen: dict[tuple[str, str, str], Item] = {}
    for item in first:
        if isinstance(item, Item):
            key = (item.source, item.conversation, item.native_id)
            known = structs.replace(seen.setdefault(key, item), locator=item.locator)
            if known != item:
                return (
                    f"{item.locator} has the id of another record and other content; "
                    "make the native_id from what tells them apart"
                )
    return ""


def _contents(sample: _Sample, first: list[Record], *_: object) -> str:
    del sample
    carried: set[str] = set()
    for one in first:
        if isinstance(one, Item):
            carried.update(attached.sha256 for attached in one.attachments)
        elif isinstance(one, Content) and one.sha256 not in carried:
            return "the bytes of an attachment come before the item that carries it"
    return ""


def _idempotent(sample: _Sample, first: list[Record], *_: object) -> str:
    return _differs(first, sample.read(), "a second reading")


def _resumable(sample: _Sample, first: list[Record], *_: object) -> str:
    """Stop in the middle as the death of a child does, and read on in a new tree."""
    for known in sorted({1, len(first) // 2, max(0, len(first) - 1)}):
        reading = read_everything(sample.source, sample.grow(), sample.me)
        begun = list(islice((one for one in reading if not isinstance(one, Progress)), known))
        getattr(reading, "close", bool)()
        reason = _differs(
            first, [*begun, *sample.read()[known:]], f"reading on behind {known} records"
        )
        if reason:
            return reason
    return ""


def _clock(sample: _Sample, first: list[Record], *_: object) -> str:
    for zone in _ZONES:
        for name in ("C", *_LOCALES):
            with _elsewhere(zone, name):
                again = sample.read()
            if reason := _differs(first, again, f"a reading under TZ={zone} and LANG={name}"):
                return reason
    return ""


def _hostile(sample: _Sample, first: list[Record], outlet: Outlet, job: _Job) -> str:
    del first
    if sample.grow().size <= _LARGEST:
        files = files_of(sample.path)
    else:
        return f"the sample is larger than {_LARGEST >> 20} MiB; check a smaller one"
    for number in range(job.mutations):
        outlet.enter(f"damaged sample {number}")
        if reason := _survives(sample, mutated(files, Random(number))):  # noqa: S311 - not a secret
            return f"damaged sample {number}: {reason}"
    return ""


def _survives(sample: _Sample, files: Mapping[str, bytes]) -> str:
    try:
        tree = sample.planted(files)
        records = _kept(read_everything(sample.source, tree, sample.me))
    except (Unreadable, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever escapes is the finding
        return f"{type(error).__name__} escapes; yield a Bad for the record and go on"
    return wrong_in(records, sample.source, tree)


def _confined(*_: object) -> str:
    if worker.refused:
        what = ", ".join(sorted(set(worker.refused)))
        return f"it tried what no reader may ({what}); read from the tree alone"
    return ""


_CHECKS: dict[str, _Judge] = {
    "it says what it reads": _about,
    "it claims its own": _detects,
    "it leaves to others what is theirs": _refuses,
    "its records keep the contract": _contract,
    "an id means one thing": _one_id_each,
    "attachments follow their items": _contents,
    "a second reading is equal": _idempotent,
    "it is read on after a death": _resumable,
    "no clock or language of the machine gets in": _clock,
    "damaged samples do no harm": _hostile,
    "it reaches for nothing but the tree": _confined,
}


def _differs(first: Sequence[Record], second: Sequence[Record], what: str) -> str:
    if list(first) == list(second):
        return ""
    at = next(
        (n for n, (one, other) in enumerate(zip(first, second, strict=False)) if one != other),
        min(len(first), len(second)),
    )
    here = next((one.locator for one in first[at:] if isinstance(one, Item | Bad)), "the end")
    return f"{what} differs at {here}; yield the same records in the same order each time"


@contextmanager
def _elsewhere(zone: str, name: str) -> Iterator[None]:
    """Be a machine of another country, as far as this one knows its language."""
    before, language = os.environ.get("TZ"), locale.setlocale(locale.LC_ALL)
    os.environ["TZ"] = zone
    time.tzset()
    try:
        locale.setlocale(locale.LC_ALL, name)
    except locale.Error:
        locale.setlocale(locale.LC_ALL, "C")
    try:
        yield
    finally:
        locale.setlocale(locale.LC_ALL, language)
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()


def _wrong_item(item: Item, source: Source) -> str:
    if not isinstance(source, Carrier) and item.source != source.name:
        return f"an item says that it is of {item.source!r}; `source` is the source's name"
    if item.type not in source.types:
        return f"an item is of the type {item.type!r}, which is not among its `types`"
    if not item.native_id:
        return "an item has no native_id; make one from what never changes"
    if item.at is not None and item.at.utcoffset() != timedelta():
        return "the time of an item is not aware or not UTC; convert it and keep its `offset`"
    return _wrong_words(item)


def _wrong_words(item: Item) -> str:
    texts = (item.text, item.title, item.text_new or "")
    if any(clean(text) != text for text in texts):
        return "a text is not NFC with newlines and without controls; use `readers.text.clean`"
    people = (word for one in item.people for word in (one.id, one.name))
    names = (item.native_id, item.conversation, item.reply_to, item.language, *item.tags, *people)
    if not all(map(_is_writable, names)):
        return "a name, tag or id holds half a surrogate pair; use `readers.text.clean`"
    return ""


def _is_writable(text: str) -> bool:
    return text.isascii() or not any(unicodedata.category(letter) == "Cs" for letter in text)


def _wrong_place(locator: str, tree: Tree) -> str:
    path = locator
    while not tree.holds(path):
        path, mark, _ = path.rpartition("#")
        if not mark:
            return f"the place {locator!r} is not in the sample; begin it with the file's path"
    return ""
