"""All views of one vault, opened together and brought up in their order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from projections.embed import Embedder, chosen
from projections.labels import Labels
from projections.lineage import Lineage
from projections.people import People
from projections.permissions import Permissions
from projections.redaction.names import Names, shipped
from projections.search import Search
from projections.timeline import Stored, Timeline
from projections.training import Training
from projections.view import Databases, Files, View
from vault.aliases import Aliases
from vault.consent import Purpose
from vault.follow import Readable, catch_up

__all__ = ["Views"]


@dataclass(frozen=True, slots=True)
class Views:
    """People, permissions, timeline and labels first: the others read them."""

    people: People
    permissions: Permissions
    timeline: Timeline
    labels: Labels
    search: Search
    training: Training
    lineage: Lineage

    @classmethod
    def open(
        cls,
        databases: Databases,
        models: Files,
        *,
        alias_key: bytes,
        view_key: bytes,
        embedder: Embedder | None = None,
        names: Names | None = None,
    ) -> Self:
        """Open every view; one that is missing, damaged or older begins at zero.

        Args:
            databases: Where views are kept, sealed.
            models: Where the trainer keeps models, and what each learned from.
            alias_key: The vault's key for aliases of people.
            view_key: The key of this set of views: surrogates and splits follow from it.
            embedder: What labels are computed from; by default what ships.
            names: What guesses names of strangers; by default what ships.
        """
        people = People(databases, Aliases(alias_key))

        def computed(stored: Sequence[Stored]) -> Mapping[str, frozenset[str]]:
            return labels.computed(stored)

        timeline = Timeline(databases, people.subject, people.mentions, computed)
        permissions = Permissions(databases, timeline.subject)
        labels = Labels(databases, people, permissions, timeline, embedder or chosen(""))
        training = Training(
            databases,
            people,
            permissions,
            timeline,
            labels,
            names=names or shipped(),
            key=view_key,
        )
        return cls(
            people=people,
            permissions=permissions,
            timeline=timeline,
            labels=labels,
            search=Search(databases, people, permissions, timeline, labels),
            training=training,
            lineage=Lineage(databases, training, models),
        )

    @property
    def all(self) -> tuple[View, ...]:
        """Every view, in the order in which they follow."""
        return (
            self.people,
            self.permissions,
            self.timeline,
            self.labels,
            self.search,
            self.training,
            self.lineage,
        )

    def catch_up(self, log: Readable, progress: Callable[[int, int], None] | None = None) -> int:
        """Follow the log to its end; return the position reached."""
        return catch_up(log, self.all, progress)

    def settle(self, now: datetime) -> None:
        """Compute everything that is due, so that the next question is answered at once."""
        self.training.settle(now)
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
            for stored in self.timeline.covered(statement):
                if self.people.last_stated(stored.id) < position and self.people.was_masked(
                    stored.id, position
                ):
                    found.add(stored.id)
        return frozenset(self.timeline.entries(sorted(found)))

    def close(self) -> None:
        """Close every database."""
        for view in self.all:
            view.close()
