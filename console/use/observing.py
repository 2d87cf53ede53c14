"""Consent in the owner's pod: written there for other applications, and heard when they edit it.

What an edit narrows is put on the record at once, and everything follows as after a withdrawal;
what it widens waits in the inbox. Then the vault writes its own documents again, so that the pod
says what holds.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from console.bootstrap import Twin
from console.use.answering import Unread, kept, recalled, remember
from pod_sync.consent import Changes, State, compare, fitting, live, marked, unheard, written
from pod_sync.errors import PodChanged, PodRefused
from pod_sync.graph import EVERYTHING, Document, Said, Unreadable, documents, read
from pod_sync.opaque import Ciphers, words_of
from pod_sync.receipts import receipt
from pod_sync.vocabulary import published
from projections.permissions import Told, covering
from vault.consent import Pause, Purpose, Statement, check_type
from vault.errors import UsageError
from vault.events import ConsentObserved, Event, UsePaused
from vault.mirrors import Vanished

if TYPE_CHECKING:
    from pod_sync.session import Found, Member, Session

__all__ = ["FOLDER", "ROOT", "Agreed", "Documents"]

ROOT: Final = "twinvault/"
FOLDER: Final = f"{ROOT}consent/"
_RECEIPTS: Final = f"{FOLDER}receipts/"
_TURTLE: Final = "text/turtle"
_JSON_LD: Final = "application/ld+json"
_ACCEPTED: Final = "text/turtle, */*;q=0.1"
"""A server is to answer what else lies there, too: that it is no Turtle is to be told."""
_MOST: Final = 1 << 20
"""Bytes of a document that are read; of one of the vault's own as many more as it has twice."""
_MOST_DOCUMENTS: Final = 200
_MOST_KEPT: Final = 50
_TRIES: Final = 5
_PATIENCE: Final = timedelta(minutes=10)


@dataclass(slots=True, kw_only=True)
class Agreed:
    """What came of it: statements that hold at once, others that wait, pauses that began.

    `kept_up` pauses had been taken out of documents, and stand. `flooded` words were left aside
    as too many. `missing` documents had been deleted, and were written again. `unread` say
    nothing to the vault. `suspended` are models; `written` counts documents.
    """

    tightened: list[Statement] = field(default_factory=list)
    loosened: list[Statement] = field(default_factory=list)
    paused: list[Pause] = field(default_factory=list)
    kept_up: list[Pause] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    suspended: list[str] = field(default_factory=list)
    flooded: int = 0
    written: int = 0


class Documents:
    """The consent documents of one vault in its pod."""

    def __init__(self, twin: Twin, session: "Session", owner: str) -> None:
        """Take a vault and its pod; nothing is read yet.

        Args:
            twin: The open vault.
            session: The conversation with the pod.
            owner: The owner's WebID.
        """
        self._twin = twin
        self._session = session
        self._owner = owner
        self._key = twin.documents_key
        self._known = recalled(twin.pod_files)
        self._etags: dict[str, str] = {}
        self._others: set[str] = set()
        self._refused: set[str] = set()

    @property
    def paths(self) -> tuple[str, ...]:
        """The resources whose changes matter, for `pod_sync.notices.Notices`."""
        return (FOLDER, *(_path(name) for name in sorted(self._own())))

    def agree(self, hints: Iterable[str] = ()) -> Agreed:
        """Hear what was edited in the pod, and write there what holds now.

        Args:
            hints: Resources that a notice named: documents among them are read first.

        Raises:
            PodError: The pod is away, or refuses.
        """
        self._twin.catch_up()
        self._known = recalled(self._twin.pod_files)
        done = Agreed()
        self._etags.clear()
        self._others.clear()
        self._refused.clear()
        hints = set(hints)
        same = [self._hear(name, "", done) for path in sorted(hints) if (name := _name(path))]
        if same and all(same) and FOLDER not in hints:
            return done
        listed = {_name(FOLDER + m.name): m for m in self._session.listing(FOLDER)}
        own = self._own()
        for name in {_name(one.document) for one in self._known.unread} - listed.keys():
            self._drop(name)
        for name in self._unsettled(listed, own):
            if name not in self._etags:
                self._hear(name, listed[name].modified, done)
        # What was heard changes what is to stand there.
        for name, content in self._own().items():
            self._write(name, content, listed.get(name), done)
        self._write_terms()
        self._write_receipts()
        remember(self._twin.pod_files, self._known)
        return done

    def _unsettled(self, listed: dict[str, "Member"], own: dict[str, bytes]) -> list[str]:
        """Return the documents that may hold something new, the vault's own first."""
        settled = self._known.settled
        for name in [name for name in settled if "/" not in name and name not in {*listed, *own}]:
            del settled[name]
        names = [
            name
            for name, member in listed.items()
            if name and settled.get(name) != (member.modified, _sha(own.get(name)))
        ]
        return sorted(names, key=lambda name: (name not in own, name))[:_MOST_DOCUMENTS]

    # Hearing.

    def _hear(self, name: str, modified: str, done: Agreed) -> bool:
        """Put on the record what a document asks for; return whether it is what it should be."""
        own = self._own().get(name)
        most = _most(own)
        found = self._found(name, most, done)
        if found is None:
            return False
        self._known.settled.pop(name, None)
        document = self._read(name, found, most)
        if isinstance(document, Unreadable):
            self._leave(name, document.reason, found.body, done)
        else:
            self._drop(name)
            before = written(found.body, name, self._key)
            if unheard(before, self._twin.views.permissions.statements):
                self._others.add(name)
            asked = not self._is_heard(name, document, before, found.etag) and self._record(
                name, document, before, found.etag, done
            )
            self._known.heard[name] = found.etag
            if own is None is not before and not asked and name not in self._others:
                # The vault wrote it, and nothing of it is in force any more.
                self._session.delete(_path(name))
        same = own is not None and _digest(document) == _digest(self._read_own(name, own, most))
        if modified and (same or own is None):
            self._known.settled[name] = (modified, _sha(own))
        return same

    def _found(self, name: str, most: int, done: Agreed) -> "Found | None":
        """Get a document; None where there is none, or the pod does not give it.

        Of one that is too long the ETag is looked up, so that the vault's own may take its place;
        what the pod gives to nobody may hold an edit, and is not written over.
        """
        self._etags[name] = ""
        try:
            found = self._session.get(_path(name), accept=_ACCEPTED, most=most)
            assert found is not None
            self._etags[name] = found.etag
        except Vanished:
            return None
        except PodRefused as refused:
            self._leave(name, str(refused), None, done)
            with suppress(PodRefused):
                state = self._session.state(_path(name))
                if state is not None and state.size > most:
                    self._etags[name] = state.etag
                    return None
            self._refused.add(name)
            return None
        return found

    def _read(self, name: str, found: "Found", most: int) -> Document | Unreadable:
        if found.media_type != _TURTLE:
            return Unreadable(reason="The document is no Turtle.")
        return self._read_own(name, found.body, most)

    def _read_own(self, name: str, content: bytes, most: int) -> Document | Unreadable:
        base = self._session.url + _path(name)
        return read(name, content, self._ciphers(), base=base, most=most)

    def _record(
        self,
        name: str,
        document: Document,
        before: frozenset[str] | None,
        etag: str,
        done: Agreed,
    ) -> bool:
        """Put on the record what is asked for; return whether anything is."""
        permissions = self._twin.views.permissions
        state = State(
            said=permissions.statements,
            pauses=permissions.pauses,
            waiting=[waiting.statement for waiting in permissions.waiting],
            now=self._twin.vault.now(),
        )
        changes = compare(document, before, state, _new_id)
        # An edit without the mark may say the same again, as long as it was written again.
        edit = (_path(name), document.digest.hex(), etag if before is None else "")
        pauses = [replace(one, id=_pause_id(edit, one)) for one in changes.paused]
        pauses = [one for one in pauses if not permissions.begun(one.id)]
        events = [*self._observed(name, document, changes), *self._paused(pauses)]
        if events:
            self._twin.vault.record(*events)
            self._twin.catch_up()
            done.suspended += self._twin.suspend_tainted(f"consent edited in the pod: {name}")
        done.tightened += changes.tightened
        done.loosened += changes.loosened
        done.paused += pauses
        done.kept_up += changes.unpaused
        done.flooded += changes.flooded
        return bool(events)

    def _is_heard(
        self, name: str, document: Document, before: frozenset[str] | None, etag: str
    ) -> bool:
        """Whether this very edit was heard; what the owner has said since is newer than it.

        A document without the mark may say the same again and mean it, as long as it was
        written again.
        """
        if before is None:
            return bool(etag) and self._known.heard.get(name) == etag
        return self._twin.views.permissions.observed(_path(name), document.digest)

    def _observed(self, name: str, document: Document, changes: Changes) -> Iterator[Event]:
        for asked in changes.asked:
            yield ConsentObserved(statement=asked, document=_path(name), digest=document.digest)

    def _paused(self, pauses: Iterable[Pause]) -> Iterator[Event]:
        for pause in pauses:
            masked = self._twin.masked_of_covered(covering(pause, Purpose.TRAIN))
            yield UsePaused(pause=pause, masked=masked)

    def _leave(self, name: str, reason: str, content: bytes | None, done: Agreed) -> None:
        """Keep a document that says nothing, once."""
        digest = _sha(content)
        unread = self._known.unread
        if any((one.document, one.digest) == (_path(name), digest) for one in unread):
            return
        at = self._twin.vault.now()
        said = Unread(document=_path(name), reason=reason, at=at, digest=digest)
        if content is not None:
            self._twin.pod_files.write(kept(digest), content)
        unread.append(said)
        for old in unread[:-_MOST_KEPT]:
            self._twin.pod_files.delete(kept(old.digest))
        del unread[:-_MOST_KEPT]
        done.unread.append(said)

    def _drop(self, name: str) -> None:
        """Forget what a document said in vain: it can be read now, or is gone."""
        unread = self._known.unread
        gone = {one.digest for one in unread if one.document == _path(name)}
        unread[:] = [one for one in unread if one.document != _path(name)]
        for digest in gone - {one.digest for one in unread}:
            self._twin.pod_files.delete(kept(digest))

    # Writing.

    def _own(self) -> dict[str, bytes]:
        """Return the documents as they should be."""
        told = self._twin.views.permissions.told
        statements = [one.words for one in told if isinstance(one.words, Statement)]
        holding = {one.id for one in live(statements, self._twin.vault.now())}
        said = [
            _said(one) for one in told if isinstance(one.words, Pause) or one.words.id in holding
        ]
        within: dict[str, list[Statement | Pause]] = {}
        for one in said:
            within.setdefault(one.words.type or EVERYTHING, []).append(one.words)
        within = {name: fitting(words) for name, words in within.items()}
        fits = {one.id for words in within.values() for one in words}
        shown = (one for one in said if one.words.id in fits)
        found = documents(shown, self._owner, self._ciphers())
        return {name: marked(found[name], name, within[name], self._key) for name in found}

    def _ciphers(self) -> Ciphers:
        told = (one.words for one in self._twin.views.permissions.told)
        return Ciphers(self._key, words_of(told))

    def _write(self, name: str, wanted: bytes, member: "Member | None", done: Agreed) -> None:
        """Write a document, unless it is there; what was edited meanwhile is heard first."""
        content: bytes | None = wanted
        settled = self._known.settled.get(name)
        if self._is_others(name) or (member and settled == (member.modified, _sha(wanted))):
            return
        if settled and not member:
            done.missing.append(_path(name))
        if member and name not in self._etags:
            self._hear(name, "", done)
            content = self._own().get(name)
        for _ in range(_TRIES):
            if content is None or name in self._refused:
                return
            etag = self._etags.get(name, "")
            try:
                self._session.put(_path(name), content, _TURTLE, etag=etag, new=not etag)
            except PodChanged:
                self._hear(name, "", done)
                content = self._own().get(name)
            else:
                self._known.settled.pop(name, None)
                done.written += 1
                return

    def _is_others(self, name: str) -> bool:
        """Whether another device wrote what this one has not got yet; it is waited for, a while."""
        if name not in self._others:
            self._known.others.pop(name, None)
            return False
        now = self._twin.vault.now()
        return now - self._known.others.setdefault(name, now) < _PATIENCE

    def _write_terms(self) -> None:
        """Write our vocabulary and shapes, once."""
        for file, content in published().items():
            terms = ("", _sha(content))
            if self._known.settled.get(f"../{file}") != terms:
                self._session.put(ROOT + file, content, _TURTLE)
                self._known.settled[f"../{file}"] = terms

    def _write_receipts(self) -> None:
        """Write the receipt of every statement that has none there, once."""
        settled, log = self._known.settled, self._twin.log
        new = {
            name: one
            for one in self._twin.views.permissions.told
            if isinstance(one.words, Statement)
            and (name := f"receipts/{one.words.id}.jsonld") not in settled
        }
        if not new:
            return
        there = {member.name for member in self._session.listing(_RECEIPTS)}
        for name, one in new.items():
            if name.removeprefix("receipts/") not in there:
                content = receipt(
                    _said(one),
                    self._owner,
                    self._ciphers(),
                    public_key=log.public_key,
                    sign=log.attest,
                    at=one.at,
                )
                with suppress(PodChanged):  # another device wrote it meanwhile
                    self._session.put(FOLDER + name, content, _JSON_LD, new=True)
            settled[name] = ("", "")


def _said(one: Told) -> Said:
    return Said(words=one.words, at=one.at, withdrawn=one.withdrawn, observed=one.observed)


def _most(own: bytes | None) -> int:
    """Return how many bytes of a document are read: an edit adds to what stands there."""
    return _MOST * (1 + 2 * len(own or b"") // _MOST)


def _pause_id(edit: tuple[str, ...], pause: Pause) -> str:
    """Return the id of a pause that an edit began: the same on all devices that hear it."""
    words = "\0".join((*edit, pause.type, pause.source, pause.person))
    return hashlib.sha256(words.encode()).hexdigest()[:32]


def _path(name: str) -> str:
    return f"{FOLDER}{name}.ttl"


def _name(path: str) -> str:
    """Return which document lies at a path; empty where none of any data type does."""
    name = path.removeprefix(FOLDER).removesuffix(".ttl")
    if path != _path(name):
        return ""
    try:
        return name if name == EVERYTHING else check_type(name)
    except UsageError:
        return ""


def _new_id() -> str:
    return uuid4().hex


def _sha(content: bytes | None) -> str:
    return "" if content is None else hashlib.sha256(content).hexdigest()


def _digest(document: Document | Unreadable) -> bytes:
    return b"" if isinstance(document, Unreadable) else document.digest
