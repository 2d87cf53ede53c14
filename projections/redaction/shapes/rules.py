"""What a shape is made of: a pattern, what it shows, how sure it is, and what makes it surer."""

import re
from collections.abc import Callable, Container, Sequence
from typing import NamedTuple

from projections.redaction.kinds import Found, Kind

__all__ = ["BARE", "CERTAIN", "LEAST", "LIKELY", "POSSIBLE", "Rule", "Rules", "words"]

CERTAIN, LIKELY, POSSIBLE, BARE, LEAST = 1.0, 0.8, 0.6, 0.4, 0.3
"""A check digit or a telling word agrees; the form is rare; it is common; it is any number;
it is the day of a record, as 2024-05-31 is."""


def words(text: str) -> frozenset[str]:
    """Return the words of a list."""
    return frozenset(text.split())


class Rule(NamedTuple):
    """A form that something private has; a check that agrees makes it certain."""

    name: str
    kind: Kind
    score: float
    source: str
    check: Callable[[str], bool] | None = None
    runs: Container[int] = range(100)
    """How many digits may stand together where it begins; 0 where a sign stands before them."""


_LONGEST_RUN = 20


class Rules:
    """Rules tried one after the other at one place."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = {rule.name: rule for rule in rules}
        self._by_run: dict[int, re.Pattern[str]] = {}

    def at(self, text: str, start: int, run: int = 0) -> Found | None:
        """Return what the first rule that fits finds at a place with so many digits together."""
        run = min(run, _LONGEST_RUN)
        found = (self._by_run.get(run) or self._compiled(run)).match(text, start)
        if found is None:
            return None
        rule = self._rules[found.lastgroup or ""]
        score = rule.score
        if rule.check is not None and rule.check(found.group()):
            score = CERTAIN
        return Found(start, found.end(), rule.kind, score)

    def _compiled(self, run: int) -> re.Pattern[str]:
        """Put the rules together that may fit a run; when it is met, for that takes a while."""
        branches = [_branch(rule) for rule in self._rules.values() if run in rule.runs]
        pattern = re.compile("|".join(branches) or r"(?!)")
        self._by_run[run] = pattern
        return pattern


def _branch(rule: Rule) -> str:
    """Return a rule's pattern as a group; a separator that repeats gets a name of its own."""
    source = rule.source.replace("<sep>", f"<sep_{rule.name}>")
    return f"(?P<{rule.name}>{source.replace('=sep)', f'=sep_{rule.name})')})"
