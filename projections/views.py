"""All views of one vault, opened together and brought up in their order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, Self

from projections.attached import Blind
from projections.definitions import EVERYTHING, Definitions
from projections.drafts import QuestionWriter
from projections.embed import Embedder, chosen
from projections.feedback import Feedback
from projections.imports import Imports
from projections.labels import Labels
from projections.lineage import Lineage
from projections.outside import Outside
from projections.people import People
from projections.permissions import Permissions
from projections.redaction.names import Names, shipped
from projections.reviews import Reviews
from projections.search import Search
from projections.timeline import Stored, Timeline
from projections.training import Training
from projections.view import Databases, Files, View
from vault.aliases import Aliases
from vault.consent import Purpose
from vault.errors import NotFound
from vault.events import ViewDefined
from vault.follow import Readable, catch_up

__all__ = ["Stores", "Views"]


class Stores(Databases, Protocol):
    """Sealed databases that can be listed and dropped (`vault.derived.Derived`)."""

    def names(self) -> tuple[str, ...]:
        """Return the names of all of them."""

    def delete(self, name: str) -> None:
        """Remove one if it is there."""


@dataclass(slots=True)
class Views:
    """People, permissions, timeline and labels first: the others read them."""

    people: People
    permissions: Permissions
    timeline: Timeline
    labels: Labels
    reviews: Reviews
    feedback: Feedback
    definitions: Definitions
    imports: Imports
    outside: Outside
    search: Search
    training: Training
    lineage: Lineage
    _stores: Stores
    _make: Callable[[ViewDefined], Training]
    _defined: dict[str, Training] = field(default_factory=dict)

    @classmethod
    def open(
        cls,
        databases: Stores,
        models: Files,
        *,
        alias_key: bytes,
        view_key: bytes,
        embedder: Embedder | None = None,
        names: Names | None = None,
        questions: QuestionWriter | None = None,
        blind: Blind = list,
    ) -> Self:
        """Open every view; one that is missing, damaged or older begins at zero.

        Args:
            databases: Where views are kept, sealed.
            models: Where the trainer keeps models, and what each learned from.
            alias_key: The vault's key for aliases of people.
            view_key: The key of this set of views: surrogates and splits follow from it.
            embedder: What labels are computed from; by default what ships.
            names: What guesses names of strangers; by default what ships.
            questions: What writes questions on passages; by default templates do.
            blind: What makes tags of natural keys, as in the log.
        """
        people = People(databases, Aliases(alias_key))

        def computed(stored: Sequence[Stored]) -> Mapping[str, frozenset[str]]:
            return labels.computed(stored)

        timeline = Timeline(databases, people.subject, people.mentions, computed, blind)
        permissions = Permissions(databases, timeline.subject)
        labels = Labels(databases, people, permissions, timeline, embedder or chosen(""))
        reviews = Reviews(databases)
        guesses = names or shipped()

        def make(definition: ViewDefined) -> Training:
            return Training(
                databases,
                people=people,
                permissions=permissions,
                timeline=timeline,
                labels=labels,
                reviews=reviews,
                names=guesses,
                key=view_key,
                definition=definition,
                questions=questions,
            )

        training = make(EVERYTHING)
        views = cls(
            people=people,
            permissions=permissions,
            timeline=timeline,
            labels=labels,
            reviews=reviews,
            feedback=Feedback(databases),
            definitions=Definitions(databases),
            imports=Imports(databases),
            outside=Outside(databases),
            search=Search(databases, people, permissions, timeline, labels),
            training=training,
            lineage=Lineage(databases, training, models),
            _stores=databases,
            _make=make,
        )
        views._open_defined()
        return views

    def _open_defined(self) -> bool:
        """Open the views that are defined now and drop the others; whether any was opened."""
        wanted = {one.name: one for one in self.definitions.all()}
        for name, view in list(self._defined.items()):
            if wanted.get(name) != view.definition:
                self._defined.pop(name).close()
                self._stores.delete(Training.file(name))
        kept = set(map(Training.file, wanted))
        for file in self._stores.names():
            if file.startswith(Training.file("")) and file not in kept:
                self._stores.delete(file)
        new = [name for name in wanted if name not in self._defined]
        self._defined |= {name: self._make(wanted[name]) for name in new}
        return bool(new)

    def named(self, name: str = "") -> Training:
        """Return the training view of a name; without one, that of everything permitted.

        Raises:
            NotFound: The owner defined none of this name.
        """
        if not name:
            return self.training
        if name not in self._defined:
            raise NotFound(f"There is no view {name!r}; `twin view list` shows which there are.")
        return self._defined[name]

    @property
    def trainings(self) -> tuple[Training, ...]:
        """Every training view, that of everything first, then by name."""
        return (self.training, *(self._defined[name] for name in sorted(self._defined)))

    @property
    def all(self) -> tuple[View, ...]:
        """Every view, in the order in which they follow."""
        return (
            self.people,
            self.permissions,
            self.timeline,
            self.labels,
            self.reviews,
            self.feedback,
            self.definitions,
            self.imports,
            self.outside,
            *self.trainings,
            self.lineage,
            # What is forbidden is gone from all the others before its words are destroyed here.
            self.search,
        )

    def catch_up(self, log: Readable, progress: Callable[[int, int], None] | None = None) -> int:
        """Follow the log to its end; return the position reached."""
        reached = catch_up(log, self.all, progress)
        if self._open_defined():
            # What was defined on the way begins where the timeline is, and reads nothing again.
            reached = catch_up(log, self.all, progress)
        return reached

    def settle(self, now: datetime) -> None:
        """Compute everything that is due, so that the next question is answered at once."""
        self.training.settle(now)
        for view in self._defined.values():
            view.settle(now)
        self.search.settle(now)

    def withdrawn_items(self, now: datetime) -> frozenset[str]:
        """Return every log entry of the items that a prohibition or a pause took out of training.

        These are the items that a clean run must not see at all (`vault.follow.Without`): the
        event masked their people. What was collected or restated after it is not among them,
        nor what another device brought that had not heard of it; it never was in training,
        and its people are known from itself.
        """
        found: set[str] = set()
        for position, statement in self.permissions.withdrawn(Purpose.TRAIN, now):
            for item in self.timeline.covered_ids(statement):
                stated = self.people.last_stated(item)
                if stated < position and self.people.was_masked(item, position):
                    found.add(item)
        return frozenset(self.entries(sorted(found)))

    def entries(self, ids: Sequence[str]) -> tuple[str, ...]:
        """Return every log entry that holds words of some items, or of examples made of them."""
        return tuple(dict.fromkeys((*self.timeline.entries(ids), *self.reviews.entries(ids))))

    def repeating(self, ids: Sequence[str]) -> tuple[str, ...]:
        """Return the entries of feedback that say again what some items say."""
        if not self.feedback.count():
            return ()
        return self.feedback.repeating(stored.item.text for stored in self.timeline.load(ids))

    def owed(self) -> tuple[str, ...]:
        """Return the entries with words of erased items that were not erased with them."""
        return (*self.timeline.owed(), *self.reviews.owed())

    def close(self) -> None:
        """Close every database."""
        for view in self.all:
            view.close()
