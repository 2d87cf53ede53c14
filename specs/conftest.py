"""The specifications run: examples in them are executed, tables of cases are checked."""  # noqa: INP001

import os
import shlex
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sybil import Document, Example, Region, Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

from vault.consent import (
    Decision,
    Effect,
    Filters,
    Pause,
    Profile,
    Purpose,
    Statement,
    Subject,
    decide,
)
from vault.items import Agent, Item

_HEADER = "| said | item | purpose | when | verdict | by |"


def _cases(document: Document) -> Iterable[Region]:
    """Find the rows of decision tables."""
    in_table = False
    start = 0
    for line in document.text.splitlines(keepends=True):
        end = start + len(line)
        if line.strip() == _HEADER:
            in_table = True
        elif not line.startswith("|"):
            in_table = False
        elif in_table and not line.startswith("| -"):
            cells = [cell.strip().strip("`") for cell in line.strip().strip("|").split("|")]
            yield Region(start, end, cells, _check)
        start = end


def _check(example: Example) -> str | None:
    """Decide one case; say what came out where it is not what the table says."""
    said, item, purpose, when, verdict, by = example.parsed
    name, _, recipient = purpose.partition(" to ")
    words = list(_said(said))
    decision = decide(
        [one for one in words if isinstance(one, Statement)],
        _subject(item),
        Purpose(name),
        _time(when),
        recipient=recipient,
        pauses=[one for one in words if isinstance(one, Pause)],
    )
    found = (_verdict(decision), decision.statement or "-")
    return (
        None if found == (verdict, by) else f"{found} instead of {(verdict, by)}: {decision.reason}"
    )


def _verdict(decision: Decision) -> str:
    return f"yes, {decision.redact}" if decision.permitted else "no"


def _said(said: str) -> Iterator[Statement | Pause]:
    for number, words in enumerate(filter(str.strip, said.split(";")), start=1):
        effect, *rest = shlex.split(words)
        more = dict(word.split("=", 1) for word in rest if "=" in word)
        plain = [word for word in rest if "=" not in word]
        if effect == "pause":
            yield Pause(id=str(number), type="".join(plain), **more)
            continue
        type_, purpose = plain
        dates = {key: _time(more[key]) for key in ("since", "until") if key in more}
        names = {k: more[k] for k in ("source", "conversation", "person") if k in more}
        yield Statement(
            id=str(number),
            effect=Effect(effect),
            type=type_,
            purpose=Purpose(purpose),
            filters=Filters(**names, **dates),
            redact=Profile(more.get("redact", "balanced")),
            recipient=more.get("to", ""),
            expires=_time(more["expires"]) if "expires" in more else None,
        )


def _subject(words: str) -> Subject:
    type_, *rest = shlex.split(words)
    more = dict(word.split("=", 1) for word in rest)
    people = [Agent(id=name) for name in more.get("to", "").split(",") if name]
    return Subject.of(
        Item(
            source=more.get("source", "phone"),
            native_id="1",
            type=type_,
            at=_time(more["at"]) if "at" in more else None,
            author=Agent(id=more["from"]) if "from" in more else None,
            to=tuple(people),
            conversation=more.get("conversation", ""),
            labels=tuple(filter(None, more.get("labels", "").split(","))),
        )
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _setup(names: dict[str, Any]) -> None:
    names["_temporary"] = TemporaryDirectory()
    names["folder"] = Path(names["_temporary"].name)


def _teardown(names: dict[str, Any]) -> None:
    names["_temporary"].cleanup()


# Examples need those before them; a mutant is shown only what concerns it, so rows alone.
_EXAMPLES = [] if "MUTANT_UNDER_TEST" in os.environ else [PythonCodeBlockParser(), SkipParser()]

pytest_collect_file = Sybil(
    parsers=[*_EXAMPLES, _cases],
    patterns=["*.md"],
    setup=_setup,
    teardown=_teardown,
).pytest()
