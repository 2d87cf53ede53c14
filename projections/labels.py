"""What items are about, where that is sensitive: vectors and scores of their latest words.

A vector is made once for every wording and goes with it. What an item's own words say of it
is a function of these words and of the weights that ship. What the owner corrected is taught to
items that say nearly the same: a correction teaches while its item is there and nothing that
the owner forbade for training could be about it, so that what she took back teaches nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from itertools import product
from struct import pack as packed
from struct import unpack as unpacked
from zlib import crc32

from msgspec import structs

from projections.embed import Embedder, Vector, pack, similarity, unpack
from projections.people import People
from projections.permissions import Judge, Permissions
from projections.sensitive import CATEGORIES, Classifier, probability
from projections.timeline import Stored, Timeline
from projections.view import Databases, Value, View, encode, marks
from vault.consent import Effect, Purpose, in_force
from vault.events import CorrectionMade, ItemCollected, ItemErased, ItemRevised
from vault.follow import Page
from vault.items import Item

__all__ = ["Found", "Labels"]

_BATCH = 500
_TOGETHER = 500
_SWAY = 6000
_LOGITS = f"<{len(CATEGORIES)}h"
_ALL = frozenset(CATEGORIES)
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What an item's words say of one matter: how likely it is there, and from when on it counts."""

    id: str
    label: str
    score: float
    threshold: float

    @property
    def holds(self) -> bool:
        """Whether it counts as there, unless the owner says otherwise."""
        return self.score >= self.threshold


@dataclass(frozen=True, slots=True)
class _Read:
    """An item as its words were read: a digest of them, vectors of so many bytes each, logits."""

    id: str
    words: int
    length: int
    packed: bytes
    logits: tuple[int, ...]

    @property
    def vectors(self) -> tuple[Vector, ...]:
        """Its vectors, one for each passage."""
        cut = range(0, len(self.packed), self.length) if self.length else ()
        return tuple(unpack(self.packed[at : at + self.length]) for at in cut)


@dataclass(frozen=True, slots=True)
class _Lesson:
    """A correction as it teaches: the matter, which way, and the vectors of the item."""

    category: int
    sway: int
    vectors: tuple[Vector, ...]


class Labels(View):
    """The follower that keeps vectors and scores; it comes behind the timeline, whose words it reads."""

    name = "labels"
    version = "2"
    tables = """
        CREATE TABLE items (id TEXT PRIMARY KEY, words INTEGER NOT NULL, size INTEGER NOT NULL,
            vectors BLOB NOT NULL, logits BLOB NOT NULL, near INTEGER NOT NULL);
    """

    def __init__(
        self,
        databases: Databases,
        people: People,
        permissions: Permissions,
        timeline: Timeline,
        embedder: Embedder,
    ) -> None:
        self._classifier = Classifier(embedder)
        self._people = people
        self._permissions = permissions
        self._timeline = timeline
        self._taught: tuple[_Lesson, ...] = ()
        self._taught_at: tuple[tuple[str, int], ...] = ()
        super().__init__(databases, version=self.made_with, reads=(people, permissions, timeline))

    @property
    def made_with(self) -> str:
        """What names the embedder and the weights: another one means other labels."""
        return self._classifier.version

    # ------------------------------------------------------------------ reading

    def computed(self, stored: Sequence[Stored]) -> dict[str, frozenset[str]]:
        """Return the labels that items have by their words, corrections of others counted in.

        Words that this view has not read yet count as everything.
        """
        words = {one.id: _digest(one.item) for one in stored}
        found = dict.fromkeys(words, _ALL)
        current = [read for read in self._judged(list(words)) if read.words == words[read.id]]
        return found | self._holding(current)

    def scores(self, ids: Sequence[str]) -> Iterator[Found]:
        """Yield what is thought of some items, matter by matter."""
        for read in self._judged(ids):
            for label, logit, least in self._weighed(read, self._lessons):
                yield Found(
                    id=read.id,
                    label=label,
                    score=probability(logit),
                    threshold=probability(least),
                )

    def vectors(self, ids: Sequence[str]) -> dict[str, tuple[Vector, ...]]:
        """Return the vectors of items, one for each of their most telling passages."""
        return {read.id: read.vectors for read in self._judged(ids)}

    def vector_of(self, query: str) -> Vector:
        """Return the vector of what somebody looks for, comparable with those of items.

        Raises:
            NoEmbedder: What makes vectors is not installed.
        """
        [vector] = self._classifier.embedder.embed([query])
        return vector

    def ids(self) -> tuple[str, ...]:
        """Return the ids of all items that were read."""
        return tuple(str(id_) for (id_,) in self._rows("SELECT id FROM items ORDER BY id"))

    def swayable(self) -> tuple[str, ...]:
        """Return the ids of the items whose labels corrections of other items may change."""
        return tuple(
            str(id_) for (id_,) in self._rows("SELECT id FROM items WHERE near ORDER BY id")
        )

    def holding(self, ids: Iterable[str]) -> int:
        """Return how many of some items have vectors here."""
        found = (self._one("SELECT 1 FROM items WHERE id = ?", (one,)) for one in ids)
        return sum(one is not None for one in found)

    @property
    def lessons(self) -> str:
        """What names all that corrections teach now; labels stay while it does."""
        said = [(one.category, one.sway, [pack(v) for v in one.vectors]) for one in self._lessons]
        return sha256(encode(said)).hexdigest()[:16] if said else ""

    @property
    def relabelled(self) -> bytes:
        """What changes whenever other words of an item gave it other labels."""
        noted = self._get("relabelled")
        return noted if isinstance(noted, bytes) else b""

    def _holding(self, some: "Sequence[_Read]") -> dict[str, frozenset[str]]:
        lessons = self._lessons if some else ()
        return {
            read.id: frozenset(
                label for label, logit, least in self._weighed(read, lessons) if logit >= least
            )
            for read in some
        }

    def _judged(self, ids: Sequence[str]) -> Iterator["_Read"]:
        for start in range(0, len(ids), _BATCH):
            batch = ids[start : start + _BATCH]
            rows = self._rows(
                f"SELECT id, words, size, vectors, logits FROM items WHERE id IN ({marks(len(batch))}) ORDER BY id",  # noqa: S608
                batch,
            )
            for id_, words, size, vectors, logits in rows:
                assert isinstance(vectors, bytes)
                assert isinstance(logits, bytes)
                length = 2 * int(size or 0)
                yield _Read(str(id_), int(words or 0), length, vectors, unpacked(_LOGITS, logits))

    def _weighed(
        self, read: "_Read", lessons: "Sequence[_Lesson]"
    ) -> Iterator[tuple[str, int, int]]:
        """Yield each matter with its logit for an item, and the logit from which on it counts."""
        swayed = self._swayed(read, lessons)
        return zip(CATEGORIES, swayed, self._classifier.threshold, strict=True)

    def _swayed(self, read: "_Read", lessons: "Sequence[_Lesson]") -> tuple[int, ...]:
        """Return logits with what the corrections of items that say nearly the same add."""
        logits = read.logits
        if not lessons:
            return logits
        vectors = read.vectors
        sways = [0] * len(CATEGORIES)
        for lesson in lessons:
            if self._near(logits[lesson.category], lesson.category):
                near = max(
                    (similarity(one, other) for one, other in product(vectors, lesson.vectors)),
                    default=0.0,
                )
                share = (near - self._classifier.alike) / (1 - self._classifier.alike)
                sways[lesson.category] += round(lesson.sway * max(0.0, share))
        return tuple(
            logit + min(_SWAY, max(-_SWAY, sway)) for logit, sway in zip(logits, sways, strict=True)
        )

    def _near(self, logit: int, category: int) -> bool:
        return abs(logit - self._classifier.threshold[category]) <= _SWAY

    @property
    def _lessons(self) -> tuple[_Lesson, ...]:
        views = (self, self._timeline, self._permissions, self._people)
        reached = tuple((view.order, view.position) for view in views)
        if self._taught_at != reached:
            self._taught, self._taught_at = self._learn(), reached
        return self._taught

    def _learn(self) -> tuple[_Lesson, ...]:
        """Take every correction whose item is there and could not be forbidden for training.

        Whether an item could be is decided on all labels that it might have, so that nothing
        which corrections teach decides what teaches.
        """
        said = self._timeline.corrected_labels()
        if not said:
            return ()
        forbids = self._forbidding()
        items = {one.id: one for one in self._timeline.stated(sorted({id_ for id_, _, _ in said}))}
        read = {one.id: one for one in self._judged(sorted(items))}
        lessons: list[_Lesson] = []
        for id_, label, holds in said:
            if id_ in read and label in _ALL and not self._withheld(items[id_], read[id_], forbids):
                way = _SWAY if holds else -_SWAY
                lessons.append(_Lesson(CATEGORIES.index(label), way, read[id_].vectors))
        return tuple(lessons)

    def _forbidding(self) -> Judge:
        """Return who decides on prohibitions and pauses alone, whenever they end."""
        said = [
            replace(statement, expires=None)
            for statement in in_force(
                s for s in self._permissions.statements if s.purpose is Purpose.TRAIN
            )
            if statement.effect is Effect.DENY
        ]
        return Judge(said, Purpose.TRAIN, _NEVER, pauses=self._permissions.pauses)

    def _withheld(self, stored: Stored, read: "_Read", forbids: Judge) -> bool:
        possible = {
            label
            for category, label in enumerate(CATEGORIES)
            if read.logits[category] + _SWAY >= self._classifier.threshold[category]
        }
        labels = tuple(sorted(possible.union(stored.item.labels)))
        subject = self._people.subject(structs.replace(stored.item, labels=labels))
        return bool(forbids(subject).statement)

    # ------------------------------------------------------------------ following

    def _take(self, page: Page) -> None:
        fresh: dict[str, None] = {}
        for entry in page.entries:
            match entry.event:
                case ItemCollected():
                    fresh[entry.id] = None
                case ItemRevised(item_id=item_id) | CorrectionMade(item_id=item_id):
                    fresh[self._timeline.root(item_id)] = None
                case ItemErased(item_ids=ids):
                    for one in ids:
                        fresh.pop(one, None)
                        self._db.execute("DELETE FROM items WHERE id = ?", (one,))
                case _:
                    pass
        self._read(list(fresh))

    def _read(self, ids: Sequence[str]) -> None:
        """Make vectors and scores of the words as they are now, some texts at a time."""
        for start in range(0, len(ids), _TOGETHER):
            batch = ids[start : start + _TOGETHER]
            stored = list(self._timeline.stated(batch))
            judged = self._classifier.judge([_words(one.item) for one in stored])
            before = self._holding(list(self._judged(batch)))
            self._db.executemany("DELETE FROM items WHERE id = ?", [(one,) for one in batch])
            self._db.executemany(
                "INSERT INTO items VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (
                        one.id,
                        _digest(one.item),
                        len(told.vectors[0]) if told.vectors else 0,
                        b"".join(map(pack, told.vectors)),
                        packed(_LOGITS, *told.logits),
                        any(map(self._near, told.logits, range(len(CATEGORIES)))),
                    )
                    for one, told in zip(stored, judged, strict=True)
                ],
            )
            for id_, labels in self._holding(list(self._judged(list(before)))).items():
                if labels != before[id_]:
                    self._set("relabelled", sha256(self.relabelled + id_.encode()).digest())

    def _canonical(self) -> Iterator[tuple[Value, ...]]:
        yield ("lessons", self.lessons)
        for row in self._rows("SELECT id, words, vectors, logits FROM items ORDER BY id"):
            yield ("item", *row)


def _words(item: Item) -> str:
    return f"{item.title}\n{item.text}"


def _digest(item: Item) -> int:
    return crc32(_words(item).encode("utf-8", "surrogatepass"))
