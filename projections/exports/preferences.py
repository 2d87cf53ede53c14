"""Preference pairs as JSON Lines: what the owner would say beside what she corrected.

Two forms are in use. `prompt`, `chosen`, `rejected` is the conversational preference format of
TRL (https://huggingface.co/docs/trl/dataset_formats); `input`, `preferred_output`,
`non_preferred_output` is that of OpenAI, Azure and Together
(https://developers.openai.com/api/docs/guides/direct-preference-optimization).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from projections.errors import ProjectionError
from projections.exports.files import Written, whole
from projections.exports.lines import fault, one_line
from projections.rows import Message

__all__ = ["PairForm", "Preference", "line", "write"]


class PairForm(StrEnum):
    """Which reader a line is for."""

    TRL = "trl"
    OPENAI = "openai"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """Two answers to a prompt: `chosen` is the owner's own, `rejected` the one she corrected.

    That is the answer of a `model`, or, where it names none, what had stood in an example.
    `events` names the log entries that say so; neither they nor the model are written.
    """

    prompt: tuple[Message, ...]
    chosen: str
    rejected: str
    model: str
    events: tuple[str, ...]


def line(preference: Preference, form: PairForm = PairForm.TRL) -> bytes:
    """Return one pair as one line, without its end.

    Raises:
        ProjectionError: No reader takes it: the prompt asks nothing, or the answers are empty
            or the same.
    """
    chosen = Message(role="assistant", content=preference.chosen)
    rejected = Message(role="assistant", content=preference.rejected)
    wrong = fault((*preference.prompt, chosen)) or fault((*preference.prompt, rejected))
    if not wrong and preference.chosen.strip() == preference.rejected.strip():
        wrong = "prefers an answer to itself"
    if wrong:
        raise ProjectionError(f"The preference said in {preference.events[0]} {wrong}.")
    prompt = preference.prompt
    if form is PairForm.OPENAI:
        return one_line(
            {
                "input": {"messages": prompt},
                "preferred_output": [chosen],
                "non_preferred_output": [rejected],
            }
        )
    return one_line({"prompt": prompt, "chosen": [chosen], "rejected": [rejected]})


def write(
    preferences: Iterable[Preference], out: Path, *, home: Path, form: PairForm = PairForm.TRL
) -> Written:
    """Write pairs as lines, whole or not at all.

    Raises:
        ProjectionError: There are none, or no reader takes one.
        UsageError: The file would lie within the vault.
        StorageError: The disk refused.
    """
    count = 0
    with whole(out, home=home) as file:
        for count, preference in enumerate(preferences, start=1):  # noqa: B007 - the last is kept
            file.write(line(preference, form) + b"\n")
        if not count:
            raise ProjectionError(
                "There are no preferences to export; correct an answer or an example first."
            )
        size = file.tell()
    return Written(rows=count, size=size)
