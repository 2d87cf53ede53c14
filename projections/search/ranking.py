"""How answers are put in order, in whole numbers: the same order on every machine."""

from collections.abc import Iterable, Sequence

import apsw

from projections.view import Value

__all__ = ["fused", "occurring", "read_size", "telling", "weigh", "weigh_read"]

_TITLE = 3
_RRF = 60
_ONE = 10**9


def weigh(api: apsw.FTS5ExtensionApi, /, *weights: Value) -> int:
    """Return the BM25 of a row in millionths, for the first phrases of a query.

    Robertson and Zaragoza 2009, with k1 = 1.2 and b = 0.75; a word in a title counts three
    times. SQLite's own function reads every row of every phrase before it ranks the first one.
    """
    offsets = api.phrase_column_offsets
    return _bm25(
        api,
        (
            (_TITLE * len(offsets(phrase, 0)) + len(offsets(phrase, 1)), weight)
            for phrase, weight in enumerate(weights[: api.phrase_count])
        ),
    )


def weigh_read(api: apsw.FTS5ExtensionApi, /, *parts: Value) -> int | None:
    """Return what `weigh` returns, of phrases that are counted in the row's own text.

    A row without one of them has no weight. Phrases are words with a space between them, as
    the index writes them, an asterisk behind the last one that may have any ending; behind
    each stands its weight.
    """
    title, body = (
        api.tokenize(api.column_text(column), None, include_offsets=False, include_colocated=False)
        for column in (0, 1)
    )
    counted: list[tuple[int, Value]] = []
    for phrase, weight in zip(parts[::2], parts[1::2], strict=True):
        assert isinstance(phrase, str)
        often = _TITLE * occurring(phrase, title) + occurring(phrase, body)
        if not often:
            return None
        counted.append((often, weight))
    return _bm25(api, counted)


def occurring(phrase: str, words: Sequence[str]) -> int:
    """Return how often a phrase stands in a text; `weigh_read` says how both are written."""
    *first, last = phrase.removesuffix("*").split(" ")
    starts = [at for at in range(len(first), len(words)) if words[at] == last]
    if phrase.endswith("*"):
        starts = [at for at in range(len(first), len(words)) if words[at].startswith(last)]
    return sum(words[at - len(first) : at] == first for at in starts) if first else len(starts)


def read_size(api: apsw.FTS5ExtensionApi, /, *_: Value) -> int:
    """Return of how many words a row is."""
    return api.column_size()


def _bm25(api: apsw.FTS5ExtensionApi, counted: Iterable[tuple[int, Value]]) -> int:
    words, rows, length = api.column_total_size(), api.row_count, api.column_size()
    score = 0
    for often, weight in counted:
        assert isinstance(weight, int)
        most = often * weight * 2_200_000_000 * words
        score += most // ((often * 1000 + 300) * words + 900 * length * rows)
    return score


def fused(*rankings: tuple[int, Sequence[int]]) -> list[int]:
    """Return one ranking out of several, each with a weight: reciprocal ranks (Cormack 2009).

    What two rankings name equally high goes by its number: the newer first.
    """
    scores: dict[int, int] = {}
    for weight, ranking in rankings:
        for rank, row in enumerate(ranking, start=1):
            scores[row] = scores.get(row, 0) + weight * _ONE // (_RRF + rank)
    return sorted(scores, key=lambda row: (-scores[row], row))


def telling(count: int, most: int) -> int:
    """Return how telling a word is that stands in so many rows, in eighths of a bit."""
    return max(1, ((2 * most) ** 8 // max(1, count) ** 8).bit_length())
