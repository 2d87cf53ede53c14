"""Which model guesses the names of strangers: the one that ships, or another one beside it.

The other one is a folder with a transformer for token classification. A vault remembers the
folder and the digest of what was in it; the model is read when the first text comes.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from projections.redaction.fold import Folded
from projections.redaction.kinds import Found
from projections.redaction.names import Names, shipped
from vault.errors import UsageError

if TYPE_CHECKING:
    from trainer.ner import Transformer

__all__ = ["Beside", "chosen", "described"]

_BETWEEN = "\n"


class Beside:
    """The model that ships and the one in a folder: what either finds is a name."""

    def __init__(self, folder: Path, edition: str) -> None:
        self._folder = folder
        self._edition = edition

    @property
    def version(self) -> str:
        """Both editions."""
        return f"{shipped().version}+{self._edition}"

    def find(self, text: Folded) -> Iterator[Found]:
        """Yield what either takes for a name.

        Raises:
            UsageError: The folder holds another model than the one that was chosen.
            BaseRefused: It cannot be read.
        """
        yield from shipped().find(text)
        yield from self._model.find(text)

    def find_all(self, texts: Sequence[Folded]) -> Sequence[Iterable[Found]]:
        """Return what either takes for a name, for each text.

        Raises:
            UsageError: The folder holds another model than the one that was chosen.
            BaseRefused: It cannot be read.
        """
        by_either = zip(shipped().find_all(texts), map(self._model.find, texts), strict=True)
        return [[*one, *other] for one, other in by_either]

    @cached_property
    def _model(self) -> "Transformer":
        from trainer.ner import Transformer  # noqa: PLC0415 — heavy

        model = Transformer(self._folder)
        if model.version != self._edition:
            raise UsageError(
                f"The names model in {self._folder} is not the one that was chosen; "
                "choose it again with `twin view names FOLDER`, or `twin view names shipped`."
            )
        return model


def described(folder: Path) -> bytes:
    """Return what a vault remembers of a model in a folder.

    Raises:
        BaseRefused: It is no model for names.
    """
    from trainer.ner import Transformer  # noqa: PLC0415 — heavy

    return _BETWEEN.join((str(folder), Transformer(folder).version)).encode()


def chosen(remembered: bytes) -> Names:
    """Return the model that a vault remembers; the one that ships where it remembers none."""
    if not remembered:
        return shipped()
    folder, _, edition = remembered.decode().rpartition(_BETWEEN)
    return Beside(Path(folder), edition)
