"""Whether the twin repeats what it learned, letter by letter, and whether its words are words.

A run of thirty characters is hardly ever written twice by chance; people do repeat
themselves, so the share of her own held-out texts with such a run is the floor. Lee et al.,
Deduplicating Training Data Makes Language Models Better (ACL 2022), count runs likewise.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from projections.rows import Row
from trainer.evaluate.report import Measure
from trainer.evaluate.texts import reply, words

__all__ = ["RUN", "copied", "copying", "strange", "strangeness"]

RUN = 30
"""Characters that count as copied."""

_WORST = 5


def copied(texts: Sequence[str], sources: Iterable[str], run: int = RUN) -> list[list[int]]:
    """Return for each text the places of the sources that it shares a run of characters with.

    Memory is bounded by the texts: sources are read once, one after the other.
    """
    runs: dict[str, list[int]] = defaultdict(list)
    for at, text in enumerate(texts):
        for piece in _pieces(text, run):
            runs[piece].append(at)
    found: list[list[int]] = [[] for _ in texts]
    for place, source in enumerate(sources):
        shared = _pieces(source, run) & runs.keys()
        for at in sorted({at for piece in shared for at in runs[piece]}):
            found[at].append(place)
    return found


def _pieces(text: str, run: int) -> set[str]:
    return {text[start : start + run] for start in range(len(text) - run + 1)}


def copying(twin: Sequence[str], hers: Sequence[str], learned: Sequence[Row]) -> Measure:
    """Measure the share of texts that hold a run of a row's reply; the worst rows come first."""
    found = copied(twin, map(reply, learned))
    hits = sum(map(bool, found))
    often = Counter(place for places in found for place in places)
    own = sum(map(bool, copied(hers, map(reply, learned))))
    return Measure.of_share(
        "copied",
        hits=hits,
        of=len(twin),
        floor=own / len(hers) if hers else None,
        note=f"Share of texts with {RUN} characters in a row from a row it learned; floor her "
        "own held-out texts.",
        worst=tuple(
            learned[place].facts.pair or learned[place].id for place, _ in often.most_common(_WORST)
        ),
    )


def strange(texts: Iterable[str], known: AbstractSet[str]) -> tuple[int, int]:
    """Return how many words nobody in the rows used, and how many words there are."""
    found = [word not in known for text in texts for word in words(text)]
    return sum(found), len(found)


def strangeness(twin: Sequence[str], hers: Sequence[str], learned: Iterable[Row]) -> Measure:
    """Measure the share of words that stand in no row it learned; people have such words too."""
    known = {word for row in learned for said in row.messages for word in words(said.content)}
    hits, of = strange(twin, known)
    own, own_of = strange(hers, known)
    return Measure.of_share(
        "unknown_words",
        hits=hits,
        of=of,
        floor=own / own_of if own_of else None,
        note="Share of words that stand in no row it learned; floor her own held-out texts.",
    )
