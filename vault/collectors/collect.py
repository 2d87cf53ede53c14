"""Collect: everything that can be read in a path, whatever else lies in it.

The reading happens in a child process. When one record kills it, that record becomes a
`Bad` and a new child reads on; what the parent has already seen is not told twice.
"""

import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

from vault.collectors import registry
from vault.collectors.api import Found
from vault.collectors.job import HEAD_MARK, Job, Kind, file_of
from vault.collectors.readers import worker
from vault.collectors.readers.worker import Died, Limits
from vault.errors import CollectError, NotFound
from vault.items import Bad, Item, Progress

__all__ = ["Outcome", "collect"]

Outcome = Found | Item | Bad | Progress

_log = logging.getLogger(__name__)

_DEATHS_PER_FILE = 5


_encoder = msgspec.msgpack.Encoder()
_items = msgspec.msgpack.Decoder(list[Item])
_bads = msgspec.msgpack.Decoder(list[Bad])
_found = msgspec.msgpack.Decoder(Found)
_progress = msgspec.msgpack.Decoder(Progress)
_names = msgspec.msgpack.Decoder(list[str])


def collect(
    path: Path,
    me: frozenset[str],
    *,
    source: str | None = None,
    cursor: bytes | None = None,
    limits: Limits | None = None,
) -> Iterator[Outcome]:
    """Yield everything that is found, read or refused in a path, in a fixed order.

    Args:
        path: A file, a folder, a zip or a tar.
        me: The owner's names and addresses as `vault.consent.normal` writes them.
        source: Read everything as this source instead of detecting.
        cursor: For a single file, where an earlier reading ended.
        limits: What the reading child may use.

    Raises:
        NotFound: There is nothing at the path.
        UsageError: There is no source of that name.
        CollectError: The reader itself does not run.
    """
    if not path.exists():
        raise NotFound(f"There is nothing at {path}.")
    if source is not None:
        registry.load(source)
    job = Job(path=str(path.absolute()), me=sorted(me), source=source, cursor=cursor)
    deaths: Counter[str] = Counter()
    while True:
        try:
            yield from _once(job, limits)
        except Died as death:
            yield _bury(job, death, deaths)
        else:
            return


def _once(job: Job, limits: Limits | None) -> Iterator[Outcome]:
    """Run one child to its end, and write down in the job how far it came."""
    frames = worker.run("vault.collectors.reading:work", _encoder.encode(job), limits)
    for kind, payload in frames:
        try:
            yield from _take(job, kind, payload)
        except msgspec.DecodeError as error:
            raise Died("the reader answered nonsense", "") from error


def _take(job: Job, kind: bytes, payload: bytes) -> Iterator[Outcome]:
    if kind == Kind.ITEMS:
        for item in _items.decode(payload):
            _count(job, item.locator)
            yield item
    elif kind == Kind.BAD:
        for bad in _bads.decode(payload):
            _count(job, bad.locator)
            yield bad
    elif kind == Kind.REFUSED:
        for bad in _bads.decode(payload):
            job.refused += 1
            yield bad
    elif kind == Kind.FOUND:
        job.found += 1
        yield _found.decode(payload)
    elif kind == Kind.PROGRESS:
        yield _progress.decode(payload)
    elif kind == Kind.FINISHED:
        job.finished.append(_names.decode(payload))
        job.received.clear()
    elif kind == Kind.WARNING:
        _log.warning("%s", payload.decode("utf-8", "replace"))


def _count(job: Job, locator: str) -> None:
    file = file_of(locator)
    job.received[file] = job.received.get(file, 0) + 1


def _bury(job: Job, death: Died, deaths: Counter[str]) -> Bad:
    """Decide what is left out next time: the record, then its file.

    Raises:
        CollectError: The reader dies wherever it starts.
    """
    where = death.where
    file = file_of(where)
    deaths[file] += 1
    reason = death.reason
    if not where or file in job.fatal:
        raise CollectError(f"The reader does not run: {reason}.") from death
    if where in job.fatal or deaths[file] >= _DEATHS_PER_FILE:
        where = file
        reason += f", for the {deaths[file]}th time; the rest of the file is left out"
    job.fatal[where] = reason
    where = where.removesuffix(HEAD_MARK)
    return Bad(locator=where, reason=reason)
