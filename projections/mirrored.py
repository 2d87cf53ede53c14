"""Which bodies may lie in a mirror that its owner does not keep herself: what she allowed for it.

Everything that holds words or files of an item follows that item's consent; what she said
and did herself, which names nobody but by digests, filters and the places that she had things
written to, may always be there. What is neither stays at home.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime

from projections.lineage import Learned, learned
from projections.timeline import Stored
from projections.view import Files, batches, encode
from projections.views import Views
from vault import events as e
from vault.consent import Effect, Filters, Pause, Profile, Purpose, Statement, normal
from vault.errors import NotFound

__all__ = ["Mirrored", "Opened"]

Opened = Callable[[Sequence[str]], Mapping[str, e.Event | None]]
"""Returns what some entries hold, None where that is unknown or not here."""

_LEDGER = (
    *(e.ConsentGiven, e.ConsentObserved, e.ConsentProhibited, e.ConsentWithdrawn),
    *(e.DeviceEnrolled, e.DeviceRevoked, e.Disclosed, e.ItemErased, e.KeysRotated),
    *(e.ModelPreferred, e.ModelRetired, e.ModelRetrained, e.ModelSuspended, e.ModelTrained),
    *(e.OwnerNamed, e.PersonMerged, e.PersonRelated, e.PersonSplit, e.PodLinked),
    *(e.RetentionSet, e.UsePaused, e.UseResumed, e.ViewDefined, e.ViewDropped),
)


class Mirrored:
    """Answers for one moment, by views that have followed the log to its end."""

    def __init__(self, views: Views, opened: Opened, now: datetime) -> None:
        """Take the views as they are.

        Args:
            views: Every view.
            opened: Asked for entries that no view knows as an item's.
            now: When consent is asked; the newest entry counts where it is later.
        """
        self._views = views
        self._opened = opened
        self._judge = views.permissions.judge(Purpose.MIRROR, now)
        self._statements = [g for g in self._judge.grounds if isinstance(g, Statement)]
        self._pauses = [g for g in self._judge.grounds if isinstance(g, Pause)]

    @property
    def edition(self) -> bytes:
        """What changes whenever the answer about an entry asked before may have changed.

        New items leave it as it is, unless they say who a person is whom a statement names.
        """
        labels, timeline = self._views.labels, self._views.timeline
        by_mention = any(pause.person for pause in self._pauses)
        return hashlib.sha256(
            encode(
                (
                    timeline.order,
                    sorted(map(encode, self._said())),
                    [self._forms(person) for person in self._persons()],
                    (self._views.people.digest, timeline.reworded) if by_mention else (),
                    timeline.restated,
                    (labels.made_with, labels.lessons, labels.relabelled),
                    self._views.owed(),
                )
            )
        ).digest()

    def _said(self) -> Iterator[Statement | Pause]:
        """Yield what stands without what makes no difference here."""
        for one in self._statements:
            yield replace(one, id="", redact=Profile.BALANCED, recipient="", expires=None)
        for pause in self._pauses:
            yield replace(pause, id="")

    def _persons(self) -> list[str]:
        return sorted({normal(one.filters.person) for one in self._statements} - {""})

    def _forms(self, person: str) -> tuple[str, ...]:
        """Return every form by which an item's people are the person of a statement."""
        known = self._views.people.known_as.items()
        return (person, *sorted(form for form, own in known if person in own))

    def withheld(self, ids: Sequence[str]) -> AbstractSet[str]:
        """Return which of these entries' bodies must not be in the mirror."""
        return frozenset(one for batch in batches(ids) for one in self._refused(batch))

    def _refused(self, ids: Sequence[str]) -> Iterator[str]:
        words = self._views.timeline.items_of(ids)
        rest = [one for one in ids if one not in words]
        blocks = self._views.timeline.attached.carriers(rest) if rest else {}
        rest = [one for one in rest if one not in blocks]
        examples = self._views.reviews.items_of(rest) if rest else {}
        asked = {*words.values()}.union(*blocks.values(), *examples.values())
        permitted = self.permitted(sorted(asked))
        yield from (one for one, item in words.items() if item not in permitted)
        # A file is there once, for all who carry it.
        yield from (one for one, items in blocks.items() if items.isdisjoint(permitted))
        yield from (one for one, items in examples.items() if not items <= permitted)
        yield from self._refused_others([one for one in rest if one not in examples])

    def permitted(self, items: Sequence[str]) -> set[str]:
        """Return which of some items may be there; what is unknown or erased may not."""
        return {one.id for one in self.there(items)}

    def there(self, items: Sequence[str]) -> Iterator[Stored]:
        """Yield those of some items that may be there."""
        subject = self._views.people.subject
        for one in self._views.timeline.load(items):
            if self._judge(subject(one.item)).permitted:
                yield one

    def _refused_others(self, ids: Sequence[str]) -> Iterator[str]:
        for one, event in (self._opened(ids) if ids else {}).items():
            match event:
                case e.ImportFinished(sources=sources):
                    # It names files, which tells whom they are about.
                    if not sources or not all(self._is_open(name) for name, _ in sources):
                        yield one
                case _ if not isinstance(event, _LEDGER):
                    yield one
                case _:
                    pass

    def _is_open(self, source: str) -> bool:
        """Whether something of a source may be there, and nothing of it is forbidden by name."""
        said = [one for one in self._statements if one.filters.source in {"", source}]
        paused = any(pause.source in {"", source} for pause in self._pauses)
        denied = any(one.effect is Effect.DENY for one in said)
        wide = {Filters(), Filters(source=source)}
        return not paused and not denied and any(one.filters in wide for one in said)

    # ------------------------------------------------------------------ models

    def models(self, files: Files) -> frozenset[str]:
        """Return the models that learned from nothing but items which may be there now.

        A model that was made from another counts what that one learned, too. What a model
        learned from, if nobody knows it here, may not be there.
        """
        lineage = self._views.lineage
        rows = {model.id: _rows(files, model.id) for model in lineage.models()}
        return frozenset(
            name
            for name in rows
            if all(self._may_all(rows.get(one)) for one in lineage.ancestry(name))
        )

    def _may_all(self, rows: Sequence[Learned] | None) -> bool:
        if rows is None:
            return False
        items = sorted({event for row in rows for event in row.events})
        return all(self.permitted(batch) >= set(batch) for batch in batches(items))


def _rows(files: Files, model: str) -> tuple[Learned, ...] | None:
    try:
        return learned(files, model)
    except NotFound:
        return None
