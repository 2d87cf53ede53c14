"""Collect: everything that can be read in a path, whatever else lies in it.

The reading happens in a child process. When one record kills it, that record becomes a
`Bad` and a new child reads on; what the parent has already seen is not told twice.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from vault.collectors import registry
from vault.collectors.api import Ended, Found, Kept
from vault.collectors.job import HEAD_MARK, Finished, Job, Kind, file_of, part_mark
from vault.collectors.readers import worker
from vault.collectors.readers.worker import Died, Limits
from vault.collectors.survey import Surveyed
from vault.errors import CollectError, ForeignVault, NotFound, TamperError
from vault.items import Bad, Content, Item, Progress, Reached

__all__ = ["Outcome", "collect", "survey"]

Outcome = Found | Item | Content | Bad | Progress | Ended | Kept

_DEATHS_PER_FILE = 5


_encoder = msgspec.msgpack.Encoder()
_items = msgspec.msgpack.Decoder(list[Item])
_bads = msgspec.msgpack.Decoder(list[Bad])
_found = msgspec.msgpack.Decoder(Found)
_reached = msgspec.msgpack.Decoder(Reached)
_finished = msgspec.msgpack.Decoder(Finished)
_passed_on: dict[bytes, msgspec.msgpack.Decoder[Content | Progress | Kept | Surveyed]] = {
    Kind.CONTENT: msgspec.msgpack.Decoder(Content),
    Kind.PROGRESS: msgspec.msgpack.Decoder(Progress),
    Kind.KEPT: msgspec.msgpack.Decoder(Kept),
    Kind.SURVEYED: msgspec.msgpack.Decoder(Surveyed),
}


def collect(
    path: Path,
    me: frozenset[str],
    *,
    source: str | None = None,
    cursors: Mapping[str, tuple[str, bytes]] | None = None,
    kept: Mapping[str, list[str]] | None = None,
    but: Iterable[tuple[int, int]] = (),
    limits: Limits | None = None,
) -> Iterator[Outcome]:
    """Yield everything that is found, read or refused in a path, in a fixed order.

    Args:
        path: A file, a folder, a zip or a tar.
        me: The owner's names and addresses as `vault.consent.normal` writes them.
        source: Read everything as this source instead of detecting.
        cursors: By file (`folder/x.mbox`), who read it earlier and where that ended. Readers
            are named by `vault.collectors.job.reader_of`; another version reads everything.
        kept: Files and archives that need not be read again, each with those who read it.
        but: Files and folders beneath the path that are no part of it, by device and inode.
        limits: What the reading child may use.

    Raises:
        NotFound: There is nothing at the path.
        UsageError: There is no source of that name.
        CollectError: The reader itself does not run.
        TamperError: It is a portable copy that is not as it was written.
        ForeignVault: It is a portable copy of a newer format.
    """
    job = _job(path, me, source, but)
    job.cursors.update(cursors or {})
    job.kept.update(kept or {})
    for outcome in _all(job, limits):
        assert not isinstance(outcome, Surveyed), "only a survey tells these"
        yield outcome


def survey(
    path: Path,
    me: frozenset[str],
    *,
    source: str | None = None,
    kept: Mapping[str, list[str]] | None = None,
    but: Iterable[tuple[int, int]] = (),
    limits: Limits | None = None,
) -> Iterator[Surveyed | Bad | Progress]:
    """Yield what each part of a path holds, reading no more of it than a few seconds take.

    Args and errors are those of `collect`. A file that nobody reads is a `Bad`, which a part
    that was not read to its end may yet open.
    """
    job = _job(path, me, source, but)
    job.kept.update(kept or {})
    job.survey = True
    for outcome in _all(job, limits):
        if isinstance(outcome, Surveyed | Bad | Progress):
            yield outcome


def _job(path: Path, me: frozenset[str], source: str | None, but: Iterable[tuple[int, int]]) -> Job:
    if not path.exists():
        raise NotFound(f"There is nothing at {path}.")
    if source is not None:
        registry.load(source)
    return Job(
        path=str(path.absolute()),
        me=sorted(me),
        source=source,
        others=[(one.name, one.value, one.release) for one in registry.others()],
        but=sorted(but),
    )


def _all(job: Job, limits: Limits | None) -> Iterator[Outcome | Surveyed]:
    """Run children until one comes to its end."""
    deaths: Counter[str] = Counter()
    reached: dict[str, Reached] = {}
    while True:
        try:
            yield from _once(job, reached, limits)
        except Died as death:
            yield _bury(job, death, deaths)
        else:
            return


def _once(
    job: Job, reached: dict[str, Reached], limits: Limits | None
) -> Iterator[Outcome | Surveyed]:
    """Run one child to its end, and write down in the job how far it came."""
    frames = worker.run("vault.collectors.reading:work", _encoder.encode(job), limits)
    for kind, payload in frames:
        try:
            yield from _take(job, reached, kind, payload)
        except msgspec.DecodeError as error:
            raise Died("the reader answered nonsense", "") from error


def _take(
    job: Job, reached: dict[str, Reached], kind: bytes, payload: bytes
) -> Iterator[Outcome | Surveyed]:
    if kind in _passed_on:
        yield _passed_on[kind].decode(payload)
    elif kind in {Kind.ITEMS, Kind.BAD}:
        decoder: msgspec.msgpack.Decoder[list[Item]] | msgspec.msgpack.Decoder[list[Bad]]
        decoder = _items if kind == Kind.ITEMS else _bads
        for record in decoder.decode(payload):
            file = file_of(record.locator)
            job.received[file] = job.received.get(file, 0) + 1
            # A parser that was talked into something speaks for nobody else.
            if isinstance(record, Item) and record.source not in job.speaks_for:
                raise Died("the reader spoke for another source", record.locator)
            yield record
    elif kind == Kind.REFUSED:
        refused = _bads.decode(payload)
        job.refused += len(refused)
        yield from refused
    elif kind == Kind.FOUND:
        found = _found.decode(payload)
        job.found += 1
        job.part = found.part
        job.reader = (found.source, found.version)
        job.speaks_for = [one.source for one in found.brings] or [found.source]
        yield found
    elif kind == Kind.REACHED:
        end = _reached.decode(payload)
        reached[end.file] = end
    elif kind == Kind.FINISHED:
        yield _ended(job, reached, _finished.decode(payload))
    else:
        _told(kind, payload.decode("utf-8", "replace"))


def _told(kind: bytes, sentence: str) -> None:
    if kind == Kind.UNTRUSTED:
        raise TamperError(sentence)
    if kind == Kind.NEWER:
        raise ForeignVault(sentence)
    if kind == Kind.WARNING:
        import logging  # noqa: PLC0415 - not for the children, which import this room too

        logging.getLogger(__name__).warning("%s", sentence)


def _ended(job: Job, reached: dict[str, Reached], said: Finished) -> Ended:
    """Write down that a part was read, and make it known."""
    source, version = job.reader
    ended = Ended(
        source=source,
        version=version,
        files=tuple(said.own),
        opened=tuple(said.opened),
        reached=tuple(reached.values()),
    )
    job.finished.append(said.opened)
    job.received.clear()
    reached.clear()
    return ended


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
