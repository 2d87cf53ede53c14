"""From drafts to rows: what the owner said of an example, what is left out, what is masked.

A draft becomes a row, or is left out for a reason that has a word. Nothing here looks at
other rows; which of two alike ones is learned is decided where all of them are.
"""

import hmac
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING

from projections.curate.near import NEAR, signature
from projections.curate.quality import poor
from projections.curate.style import style_of
from projections.curate.tags import tags_of
from projections.curate.templates import TEMPLATES, skeleton, templated
from projections.drafts import DRAFTS, Draft, QuestionWriter, drafts_of
from projections.permissions import strictest
from projections.reviews import APPROVED, EDITED, REJECTED, Review
from projections.rows import Facts, Message, Row
from projections.threads import Thread, split_of
from vault.consent import Profile

if TYPE_CHECKING:
    from projections.redaction.pipeline import Redacted, Redactor

__all__ = ["PAIRS", "UNCLEAN", "LeftOut", "Maker", "Pair"]

PAIRS = f"2/{DRAFTS}/{NEAR}/{TEMPLATES}"
"""Version of everything that shapes rows beside redaction; a change rebuilds the view."""

UNCLEAN = "unclean"
"""Left out because the last look of redaction did not let it by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A row, and what tells it from others.

    `learned` names the smallest event of the words that are learned, which decides among
    alike rows; `completion` is a keyed digest that equal completions share, `signature` and
    `skeleton` what nearly equal ones have in common. `approved` rows are never left out.
    """

    row: Row
    learned: str
    completion: bytes
    signature: bytes
    skeleton: bytes
    approved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """An example that is none, the items whose words it would have taught, and why."""

    pair: str
    items: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """Makes the examples of one view.

    Args:
        redactor: Masks, with the surrogates of this view.
        key: The key of this view; digests of its rows follow from it.
        split_key: The key that holds out threads, the same for every view of a vault.
        reviews: Returns what the owner said of some examples, by their names.
        questions: Writes questions on passages, where there is something that can.
    """

    redactor: "Redactor"
    key: bytes
    split_key: bytes
    reviews: Callable[[Iterable[str]], Mapping[str, Review]]
    questions: QuestionWriter | None = None

    def pairs(self, threads: Iterable[Thread]) -> Iterator[tuple[Thread, Pair | LeftOut]]:
        """Yield the examples of some threads, those that are left out too.

        All that is to be redacted is redacted together, and once: what stands before one
        answer often stands before the next.
        """
        drafted: list[tuple[Thread, Draft, Review | None]] = []
        for thread in threads:
            for draft, review in self._reviewed(thread):
                if reason := _left_out(draft, review):
                    yield thread, LeftOut(pair=draft.key, items=_ids(draft), reason=reason)
                else:
                    drafted.append((thread, _reworded(draft, review), review))
        redacted = self._redacted(draft for _, draft, _ in drafted)
        for thread, draft, review in drafted:
            yield thread, self._pair(thread, draft, review, redacted[_profile(draft)])

    def _redacted(self, drafts: Iterable[Draft]) -> "dict[Profile, dict[str, Redacted]]":
        wanted: dict[Profile, dict[str, None]] = {}
        for draft in drafts:
            texts = wanted.setdefault(_profile(draft), {})
            texts |= dict.fromkeys(words for _, words in draft.messages)
        return {
            profile: dict(zip(texts, self.redactor.redact_all(list(texts), profile), strict=True))
            for profile, texts in wanted.items()
        }

    def _reviewed(self, thread: Thread) -> Iterator[tuple[Draft, Review | None]]:
        drafts = list(drafts_of(thread, self.questions))
        said = self.reviews(draft.key for draft in drafts)
        return ((draft, said.get(draft.key)) for draft in drafts)

    def drafts(self, thread: Thread) -> Iterator[Draft]:
        """Yield the examples of a thread before they are redacted, in the owner's wording."""
        return (_reworded(draft, review) for draft, review in self._reviewed(thread))

    def _pair(
        self,
        thread: Thread,
        draft: Draft,
        review: Review | None,
        done_by_words: "Mapping[str, Redacted]",
    ) -> Pair | LeftOut:
        items = (*draft.context, *draft.learned)
        redacted = [done_by_words[words] for _, words in draft.messages]
        if not all(done.clean for done in redacted):
            return LeftOut(pair=draft.key, items=_ids(draft), reason=UNCLEAN)
        messages = tuple(
            Message(role=role, content=done.text)
            for (role, _), done in zip(draft.messages, redacted, strict=True)
        )
        first, answer = draft.learned[0].item, messages[-1].content
        facts = Facts(
            pair=draft.key,
            learned=_ids(draft),
            kind=draft.kind,
            type=first.type,
            source=first.source,
            style=style_of(answer),
            tags=tags_of(answer, first.type),
            profile=_profile(draft),
            masked=tuple(sorted(Counter(redacted[-1].kinds()).items())),
        )
        row = Row.of(
            events=tuple(dict.fromkeys(one.id for one in items)),
            statements=tuple(sorted({one.decision.statement for one in items})),
            messages=messages,
            split=split_of(thread, self.split_key),
            group=self._digest("group", f"{first.type}\0{first.conversation}").hex(),
            at=first.at,
            facts=facts,
        )
        return Pair(
            row=row,
            learned=min(_ids(draft)),
            completion=self._digest("completion", answer),
            signature=signature(answer),
            skeleton=skeleton(answer),
            approved=review is not None and review.verdict in {APPROVED, EDITED},
        )

    def _digest(self, label: str, text: str) -> bytes:
        content = f"{label}\0{text}".encode("utf-8", "surrogatepass")
        return hmac.digest(self.key, content, "sha256")[:16]


_id = attrgetter("id")


def _ids(draft: Draft) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(_id, draft.learned)))


def _profile(draft: Draft) -> Profile:
    """Return the strictest redaction that is asked for any of an example's items."""
    return strictest(one.decision.redact for one in (*draft.context, *draft.learned))


def _left_out(draft: Draft, review: Review | None) -> str:
    """Return why a draft is no example; what the owner approved always is."""
    if review is not None:
        return REJECTED if review.verdict == REJECTED else ""
    reasons = [templated(one.item) for one in draft.learned]
    return reasons[0] if all(reasons) else poor(draft.messages[-1][1])


def _reworded(draft: Draft, review: Review | None) -> Draft:
    """Put the owner's own wording in the place of what stands there."""
    if review is None or review.verdict != EDITED:
        return draft
    *before, (asker, asked), (answerer, answered) = draft.messages
    said = ((asker, review.prompt or asked), (answerer, review.answer or answered))
    return replace(draft, messages=(*before, *said))
