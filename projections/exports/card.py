"""The card that goes with a dataset: what it holds, what permits it, what redaction reached.

Markdown under the YAML front matter that the Hugging Face hub reads
(https://github.com/huggingface/hub-docs/blob/main/datasetcard.md), short answers to the
questions of Gebru et al., "Datasheets for Datasets" (arXiv:1803.09010), and every figure once
more as JSON. It repeats no words of anybody and no value of a filter, and knows no clock.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

import msgspec

from projections.exports.counts import Counts
from vault.consent import Effect, Filters, Profile, Purpose, Statement

__all__ = ["VERSION", "File", "Residual", "Said", "Summary", "card"]

VERSION = "1"
"""The version of the card's JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file of the dataset, by its name in the card's folder, and the split that it holds."""

    name: str
    split: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A statement of consent without the values of its filters, which may hold names."""

    id: str
    effect: Effect
    type: str
    purpose: Purpose
    redact: Profile
    narrowed: bool
    expires: datetime | None
    rows: int

    @classmethod
    def of(cls, statement: Statement, rows: int) -> Self:
        """Describe a statement that permits some rows."""
        return cls(
            id=statement.id,
            effect=statement.effect,
            type=statement.type,
            purpose=statement.purpose,
            redact=statement.redact,
            narrowed=statement.filters != Filters(),
            expires=statement.expires,
            rows=rows,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Residual:
    """How many planted secrets of a group came through redaction.

    `at_most` is what their share lies below with 95 % confidence.
    """

    of: str
    planted: int
    left: int
    at_most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """All that a card says.

    `position` and `checkpoint` name the log that the rows were made from, `at` is the moment
    at which consent was asked, `redactor` the version of redaction. `refused` examples were
    not let by its last look, `duplicates` teach words that another one teaches already.
    `languages` are ISO 639 codes. Files are named without their folder.
    """

    counts: Counts
    position: int
    checkpoint: str
    at: datetime
    redactor: str
    refused: int
    duplicates: int
    statements: tuple[Said, ...] = ()
    residual: tuple[Residual, ...] = ()
    languages: tuple[str, ...] = ()
    files: tuple[File, ...] = ()


def card(summary: Summary) -> str:
    """Return the card of a dataset."""
    parts = (
        _front(summary),
        _what(summary),
        _counted(summary.counts),
        _permitted(summary.statements),
        _redacted(summary),
        _LIMITS,
        _questions(summary),
        _figures(summary),
    )
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _front(summary: Summary) -> str:
    lines = ["pretty_name: Examples of one person's own words", "license: other"]
    lines += ["license_name: private", *_listed("language", map(_quoted, summary.languages))]
    lines += _listed("task_categories", ["text-generation"])
    lines += _listed("size_categories", [_size(summary.counts.rows)])
    lines += _listed("tags", ["conversational", "personal-data", "redacted", "twinvault"])
    if summary.files:
        lines += ["configs:", "- config_name: default", "  data_files:"]
        for file in summary.files:
            # The hub knows the usual names of splits; what is never learned is a test set.
            split = "test" if file.split == "held" else file.split
            lines += [f"  - split: {split}", f"    path: {_quoted(file.name)}"]
    return "\n".join(["---", *lines, "---"])


def _listed(key: str, values: Iterable[str]) -> list[str]:
    listed = [f"- {value}" for value in values]
    return [f"{key}:", *listed] if listed else []


def _quoted(text: str) -> str:
    """Quote for YAML, of which JSON strings in ASCII are a part."""
    return json.dumps(text)


def _size(rows: int) -> str:
    """Return the size category of the hub."""
    bounds = ("1K", "10K", "100K", "1M", "10M", "100M", "1B")
    for number, bound in enumerate(bounds):
        if rows < 10 ** (number + 3):
            return f"{bounds[number - 1]}<n<{bound}" if number else f"n<{bound}"
    return "n>1B"


def _what(summary: Summary) -> str:
    counts = summary.counts
    return f"""
# Examples of one person's own words

{counts.rows:,} examples for teaching a model to answer as one person would. Each is a
conversation that ends with her own words; that last message alone is to be learned. The
owner of a personal vault made them from her own items, as far as she permitted it, redacted as
the profiles below say.

| | |
| --- | --- |
| content root | `{counts.root}` |
| content root of the `train` examples | `{counts.learned}` |
| made from the log up to position | {summary.position} |
| checkpoint of the log | `{summary.checkpoint}` |
| consent asked at | {_time(summary.at)} |
| redaction | version `{_cell(summary.redactor)}` |

A content root is the RFC 9162 Merkle root over the sorted ids of examples. The manifest of a
model states it of what the model learned: where that equals the one of the `train` examples,
the model learned these and no others. Whoever has the Parquet file can compute both from it.
"""


def _counted(counts: Counts) -> str:
    tables = (
        ("split", "`held` examples are for measuring and are never learned", counts.by_split),
        ("kind", "what sort of example it is", counts.by_kind),
        ("type", "data type of what is learned", counts.by_type),
        ("source", "where it was collected from", counts.by_source),
        ("style", "style of what is learned", counts.by_style),
        ("tag", "an example counts under each of its tags", counts.by_tag),
        ("year", "when it was written, UTC", counts.by_year),
    )
    shown = [
        f"By {name} ({meaning}):\n\n" + _table((name, "examples"), found)
        for name, meaning, found in tables
        if found
    ]
    return "\n\n".join(["## Counts", *shown])


def _permitted(statements: Sequence[Said]) -> str:
    rows = [
        (
            f"`{said.id}`",
            f"{said.effect} {said.type} for {said.purpose}"
            + (", narrowed by filters" if said.narrowed else ""),
            said.redact,
            _time(said.expires) if said.expires else "",
            said.rows,
        )
        for said in statements
    ]
    head = ("id", "says", "redaction asked", "until", "examples")
    return f"""
## Statements of consent

An example is here because every item in it was permitted at the time above. What a statement
is narrowed to (a source, a conversation, a person, dates) is not repeated here. A statement
that is withdrawn later takes its examples out of the vault's views at once, and not out of a
copy: whoever holds one owes it to the owner to delete it when she says so.

{_table(head, rows)}
"""


def _redacted(summary: Summary) -> str:
    counts = summary.counts
    residual = [
        (risk.of, risk.planted, risk.left, f"{risk.at_most:.1%}") for risk in summary.residual
    ]
    measured = _table(("group", "planted", "left", "at most"), residual)
    return f"""
## Redaction

What was replaced in the learned words, by kind, and how strictly examples were redacted:

{_table(("kind", "replaced"), counts.masked)}

{_table(("profile", "examples"), counts.by_profile)}

- {summary.refused:,} examples were refused by the last look of redaction and are not here.
- {summary.duplicates:,} examples teach words that another one teaches already and are not here.

What may be left was measured with canaries: invented secrets of every group were planted in
texts and sent the way that the examples went, under the least strict profile above. `left`
counts those that came through; their share lies below `at most` with 95 % confidence. This
speaks of secrets like those that were planted; it is no bound on the risk of this dataset.

{measured if residual else "It was not measured here."}
"""


_LIMITS = """
## What redaction can and cannot do

It finds the people whom the vault knows, by every name and address that it knows of them; what
shows by its form; secrets; and names of strangers that a small model guesses. It puts invented
ones in their place, the same one for the same person within this dataset. It can miss a
stranger's unusual first name. It does not mask a description that names nobody, a code of the
writer's own, or the manner in which she writes: she may be recognised by her style alone. The
figures above are counts of what was found. Redacted personal data remain personal data.

## What it must not be used for

- To find out who anybody in it is, or to undo a replacement.
- To deceive anyone into taking a model's words for hers, or to speak in her name.
- To judge her, or anyone in it: for credit, work, insurance, health or the police.
- To train anything that the owner did not say yes to. There is no licence; ask her.
- Without her knowing where each copy is, and without deleting it when she asks.
"""


def _questions(summary: Summary) -> str:
    splits = dict(summary.counts.by_split)
    return f"""
## Questions

- **Why was it made?** To teach a model the voice of its owner, by her and for her.
- **Who made it?** The owner, with Twinvault, on her own machine.
- **What is an example?** A conversation in chat form, with facts beside it; names and numbers
  are invented where redaction replaced them.
- **Is it a sample?** It is everything that consent and redaction let by, or the part of it
  that a named view asks for; it represents one person, in the proportions above.
- **Is anything missing?** What was not permitted, refused, a duplicate, erased or expired.
- **Are there recommended splits?** {splits.get("train", 0):,} to learn from and
  {splits.get("held", 0):,} held out, by a keyed hash of the thread, so that no thread is on
  both sides, for ever.
- **Does it hold sensitive data?** It may: other people's words, and matters of health, belief
  or the like where a statement above names them.
- **How was it collected?** From exports of her own accounts and files. Whether others in
  it were asked is not known here.
- **How was it cleaned?** Cut into threads, redacted, looked at again, duplicates taken out.
- **May it be handed on?** Not without the owner; see above.
- **Who keeps it up?** The vault: it makes the dataset anew when anything changes. This card
  speaks of the files whose content root it names and of no others.
"""


def _figures(summary: Summary) -> str:
    """Return everything once more for programs; no JSON begins a line with the block's end."""
    said = msgspec.json.encode({"format": VERSION, "summary": summary})
    return f"## For programs\n\n```json\n{msgspec.json.format(said).decode()}\n```"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(str(cell)) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    """Keep a word within its cell."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
