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
from vault.collectors.job import HEAD_MARK, Job, Kind, file_of, part_mark
from vault.collectors.readers import worker
from vault.collectors.readers.worker import Died, Limits
from vault.errors import CollectError, ForeignVault, NotFound, TamperError
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
        TamperError: It is a portable copy that is not as it was written.
        ForeignVault: It is a portable copy of a newer format.
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
    if kind in {Kind.ITEMS, Kind.BAD}:
        decoder: msgspec.msgpack.Decoder[list[Item]] | msgspec.msgpack.Decoder[list[Bad]]
        decoder = _items if kind == Kind.ITEMS else _bads
        for record in decoder.decode(payload):
            file = file_of(record.locator)
            job.received[file] = job.received.get(file, 0) + 1
            yield record
    elif kind == Kind.REFUSED:
        refused = _bads.decode(payload)
        job.refused += len(refused)
        yield from refused
    elif kind == Kind.PROGRESS:
        yield _progress.decode(payload)
    elif kind == Kind.FOUND:
        found = _found.decode(payload)
        job.found += 1
        job.part = found.part
        yield found
    elif kind == Kind.FINISHED:
        job.finished.append(_names.decode(payload))
        job.received.clear()
    elif kind == Kind.UNTRUSTED:
        raise TamperError(payload.decode("utf-8", "replace"))
    elif kind == Kind.NEWER:
        raise ForeignVault(payload.decode("utf-8", "replace"))
    elif kind == Kind.WARNING:
        _log.warning("%s", payload.decode("utf-8", "replace"))


def _bury(job: Job, death: Died, deaths: Counter[str]) -> Bad:
    """Decide what is left out next time: the record, else its file, else the whole part.

    Raises:
        CollectError: The reader dies wherever it starts.
    """
    file = file_of(death.where)
    deaths[file] += 1
    places = [death.where, file]
    if deaths[file] >= _DEATHS_PER_FILE:
        del places[0]
    if job.found > len(job.finished):
        places.append(part_mark(len(job.finished)))
    left = [place for place in places if place and place not in job.fatal]
    if not left:
        raise CollectError(f"The reader does not run: {death.reason}.") from death
    place = left[0]
    job.fatal[place] = death.reason
    if place == part_mark(len(job.finished)):
        return Bad(locator=job.part, reason=f"{death.reason}; all of this part is left out")
    rest = "; the rest of the file is left out" if place == file != death.where else ""
    return Bad(locator=place.removesuffix(HEAD_MARK), reason=death.reason + rest)
