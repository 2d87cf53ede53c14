"""How answers are put in order, in whole numbers: the same order on every machine."""

from collections.abc import Sequence

import apsw

from projections.view import Value

__all__ = ["fused", "telling", "weigh"]

_TITLE = 3
_RRF = 60
_ONE = 10**9


def weigh(api: apsw.FTS5ExtensionApi, /, *weights: Value) -> int:
    """Return the BM25 of a row in millionths, for the first phrases of a query.

    Robertson and Zaragoza 2009, with k1 = 1.2 and b = 0.75; a word in a title counts three
    times. SQLite's own function reads every row of every phrase before it ranks the first one.
    """
    words, rows, length = api.column_total_size(), api.row_count, api.column_size()
    offsets = api.phrase_column_offsets
    score = 0
    for phrase, weight in enumerate(weights[: api.phrase_count]):
        assert isinstance(weight, int)
        often = _TITLE * len(offsets(phrase, 0)) + len(offsets(phrase, 1))
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
