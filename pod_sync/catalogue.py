"""What lies in the pod, by type and month, for applications that may not read it: DCAT.

It counts only items whose bodies the purpose `mirror` allows to be there. Of the others
not even the number is told: that somebody has 40 notes of the type `health` is itself what
she did not want there. No day, no name, no conversation, no source; sizes in whole KiB.
"""

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Final

from pod_sync.turtle import iri, quoted
from pod_sync.vocabulary import DCAT, PREFIXES, VOID, category, compact

__all__ = ["Counted", "catalogue"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How many items of a type one month has whose bodies are in the pod, and their bytes.

    `month` is `YYYY-MM`, empty for items without a date.
    """

    type: str
    month: str
    items: int
    bytes: int


_MONTH: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_KIB: Final = 1024


def catalogue(counted: Iterable[Counted], owner: str) -> bytes:
    """Write the catalogue as Turtle; the same bytes for the same counts.

    Args:
        counted: One for each type and month that has such items.
        owner: The owner's WebID.
    """
    rows = sorted((row for row in counted if row.items), key=lambda row: (row.type, row.month))
    assert all(not row.month or _MONTH.fullmatch(row.month) for row in rows)
    return "".join(_catalogue(rows, owner)).encode()


def _catalogue(rows: list[Counted], owner: str) -> Iterator[str]:
    for prefix, namespace in sorted((PREFIXES | {"dcat": DCAT, "void": VOID}).items()):
        yield f"@prefix {prefix}: <{namespace}> .\n"
    types = {name: list(some) for name, some in groupby(rows, key=lambda row: row.type)}
    yield _node(
        "<>",
        "a dcat:Catalog",
        'dct:title "Items in this pod"@en',
        "rdfs:comment " + quoted(_COMMENT) + "@en",
        f"dct:publisher {iri(owner)}",
        *(f"dcat:dataset <#{name}>" for name in types),
    )
    for name, some in types.items():
        yield from _type(name, some)
    for month in sorted({row.month for row in rows if row.month}):
        yield _node(
            f"<#{month}>",
            "a dct:PeriodOfTime",
            f'dcat:startDate "{month}-01"^^xsd:date',
            f'dcat:endDate "{_last_day(month)}"^^xsd:date',
        )


_COMMENT: Final = (
    "How many items of each type and month the owner allowed to be copied here. What she did not "
    "allow is not counted. The items themselves are sealed; only the owner's devices open them."
)


def _type(name: str, rows: list[Counted]) -> Iterator[str]:
    yield _node(
        f"<#{name}>",
        "a dcat:DatasetSeries, void:Dataset",
        f"dct:title {quoted(f'items of the type {name}')}@en",
        f"v:dataType {quoted(name)}",
        f"dpv:hasPersonalData {compact(category(name))}",
        f"void:entities {sum(row.items for row in rows)}",
        *_span([row.month for row in rows if row.month]),
    )
    for row in rows:
        part = f"{name}.{row.month or 'undated'}"
        yield _node(
            f"<#{part}>",
            "a dcat:Dataset, void:Dataset",
            f"dcat:inSeries <#{name}>",
            *([f"dct:temporal <#{row.month}>"] if row.month else []),
            f"void:entities {row.items}",
            f"dcat:distribution <#{part}.sealed>",
        )
        size = -(-row.bytes // _KIB) * _KIB
        yield _node(f"<#{part}.sealed>", "a dcat:Distribution", f"dcat:byteSize {size}")


def _span(months: list[str]) -> Iterator[str]:
    if months:
        yield f"dct:temporal <#{months[0]}>"
    if len(months) > 1:
        yield f"dct:temporal <#{months[-1]}>"


def _last_day(month: str) -> date:
    year, number = map(int, month.split("-"))
    return date(year, number, monthrange(year, number)[1])


def _node(subject: str, *rest: str) -> str:
    return f"\n{subject} " + " ;\n    ".join(rest) + " .\n"
