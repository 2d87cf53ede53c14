"""Names found by a transformer that the owner keeps in a local folder.

An alternative to the model that ships: any Hugging Face folder for token classification
whose labels speak of persons, organisations and places. It is opened under the rules of
`trainer.base`: safetensors only, no code of its own, nothing fetched.
"""

import itertools
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from projections.redaction.fold import Folded
from projections.redaction.kinds import Found, Kind
from projections.redaction.naming.features import chunks
from trainer.base import inspect
from trainer.errors import BaseRefused

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

__all__ = ["Transformer"]

_KINDS = {
    "per": Kind.PERSON,
    "pers": Kind.PERSON,
    "person": Kind.PERSON,
    "org": Kind.ORG,
    "organisation": Kind.ORG,
    "organization": Kind.ORG,
    "corporation": Kind.ORG,
    "loc": Kind.LOC,
    "location": Kind.LOC,
    "gpe": Kind.LOC,
}
_LONGEST = 384
_SHARED = 64
_BATCH = 16
_BETWEEN = re.compile(r"[ \t.'-]{0,2}")


@dataclass(frozen=True, slots=True)
class _Label:
    kind: Kind | None
    begins: bool


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a word, what it is, and how sure that is."""

    start: int
    end: int
    label: _Label
    score: float


class Transformer:
    """Finds names by the model in a folder; see `projections.redaction.names.Names`."""

    def __init__(self, path: Path) -> None:
        """Load a folder.

        Raises:
            BaseRefused: It is missing or incomplete, brings code or pickles, or knows no names.
        """
        self._foundation = inspect(path)
        self._tokenizer, self._model = _load(self._foundation.path)
        config = self._model.config
        said = cast("dict[int, str]", config.id2label)
        self._labels = [_label(said[at]) for at in range(len(said))]
        if not any(label.kind for label in self._labels):
            raise BaseRefused(f"{path} has no labels for persons, organisations or places.")
        room = int(getattr(config, "max_position_embeddings", _LONGEST))
        # RoBERTa counts two positions that no token takes.
        self._longest = min(_LONGEST, room - 2)
        self._shared = min(_SHARED, self._longest // 4)

    @property
    def version(self) -> str:
        """The digest of the folder's files."""
        return self._foundation.digest[:16]

    def find(self, text: Folded) -> Iterator[Found]:
        """Yield names in order of the text."""
        for start, end in chunks(text.text):
            part = text.text[start:end]
            for found in _joined(self._pieces(part), part):
                yield found._replace(start=start + found.start, end=start + found.end)

    def _pieces(self, text: str) -> Iterator[_Piece]:
        """Yield the parts of words, each from the window in whose middle it stands."""
        from torch import no_grad, tensor  # noqa: PLC0415 - takes seconds

        # A lone surrogate is no text to the tokenizer; it takes one place as the mark does.
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        told = self._tokenizer(
            text,
            truncation=True,
            max_length=self._longest,
            stride=self._shared,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            padding=True,
        )
        ids = cast("list[list[int]]", told["input_ids"])
        masks = cast("list[list[int]]", told["attention_mask"])
        places = cast("list[list[tuple[int, int]]]", told["offset_mapping"])
        done = 0
        for first in range(0, len(ids), _BATCH):
            rows = slice(first, first + _BATCH)
            with no_grad():
                scores = self._model(
                    input_ids=tensor(ids[rows]), attention_mask=tensor(masks[rows])
                ).logits.softmax(-1)
            best, label = scores.max(-1)
            for at, window in enumerate(places[rows]):
                real = [number for number, (start, end) in enumerate(window) if end > start]
                cut = len(real) if first + at + 1 == len(ids) else len(real) - self._shared // 2
                for number in real[:cut]:
                    start, end = window[number]
                    if start >= done:
                        done = end
                        known = self._labels[int(label[at, number])]
                        yield _Piece(start, end, known, float(best[at, number]))


def _load(path: str) -> "tuple[PreTrainedTokenizerBase, PreTrainedModel]":
    from transformers import AutoModelForTokenClassification, AutoTokenizer  # noqa: PLC0415
    from transformers.utils import logging  # noqa: PLC0415

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # talk is the console's
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            path, local_files_only=True, trust_remote_code=False
        )
        loaded = AutoModelForTokenClassification.from_pretrained(
            path,
            output_loading_info=True,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise BaseRefused(
            f"The names model at {path} cannot be loaded ({type(error).__name__}).",
        ) from error
    model, told = cast("tuple[PreTrainedModel, dict[str, object]]", loaded)
    if told["missing_keys"] or told["mismatched_keys"]:
        raise BaseRefused(f"The weights in {path} are not those of a token classifier.")
    if not tokenizer.is_fast:
        raise BaseRefused(f"{path} has no tokenizer that tells where its tokens stand.")
    model.eval()  # type: ignore[no-untyped-call]
    return tokenizer, model


def _label(name: str) -> _Label:
    mark, dash, rest = name.partition("-")
    tagged = bool(dash) and mark.upper() in {"B", "I", "E", "S", "L", "U"}
    return _Label(
        _KINDS.get((rest if tagged else name).lower()), tagged and mark.upper() in {"B", "S", "U"}
    )


def _joined(pieces: Iterator[_Piece], text: str) -> Iterator[Found]:
    """Yield names: a word is one as soon as a part of it is, and neighbours go together."""
    found: list[_Piece] = []
    for piece in itertools.chain(pieces, (None,)):
        if piece is not None and _goes_on(found, piece, text):
            found.append(piece)
            continue
        if kind := _kind(found):
            sure = min(one.score for one in found if one.label.kind)
            yield Found(found[0].start, found[-1].end, kind, sure)
        found = [] if piece is None else [piece]


def _goes_on(found: Sequence[_Piece], piece: _Piece, text: str) -> bool:
    if not found:
        return False
    last = found[-1]
    if last.end == piece.start and text[last.end - 1].isalnum() and text[piece.start].isalnum():
        return True
    between = text[last.end : piece.start]
    same = piece.label.kind is not None and piece.label.kind is _kind(found)
    return same and not piece.label.begins and _BETWEEN.fullmatch(between) is not None


def _kind(found: Sequence[_Piece]) -> Kind | None:
    return next((one.label.kind for one in found if one.label.kind), None)
