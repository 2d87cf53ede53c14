"""The recipe: everything that a training run depends on besides its rows.

One frozen record, written and read as TOML, hashed as canonical JSON. Each field shapes
the weights, so each is part of every state's name; how an answer is sampled is not here.
"""

import json
import tomllib
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Literal, Self, TypeVar

import msgspec

from vault.errors import NotFound, UsageError

__all__ = ["PRESETS", "Recipe", "preset"]

_R = TypeVar("_R", bound="Recipe")

# Fields that came after the first models: left out of the canonical text where they say
# nothing, so that the names of earlier states stay what they were.
_LATER = (
    "view",
    "accumulate",
    "patience",
    "targets",
    "gradient_checkpointing",
    "four_bit",
    "noise",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to train. `scratch` makes a small network anew, `lora` adapts a local base.

    `view` is the training view that rows are taken from; without a name, all of them.
    Lengths count tokens, `context` messages. Hidden matrices learn at `matrix_rate` by Muon,
    the rest (all, where it is 0) at `learning_rate` by AdamW; slices after the first at a
    `later_share` of both. A slice repeats `rehearsal` rows of earlier
    slices for each row of its own, so that what came first is not washed out. A step sums the
    gradients of `accumulate` batches; a slice ends early after `patience` epochs that were no
    better on the rows it watches (0: never). `targets` are the linear layers that get adapters,
    by comma. `noise` is the multiplier of differential privacy (0: none).
    """

    name: str
    kind: Literal["scratch", "lora"]
    view: str = ""
    seed: int = 0
    threads: int = 1
    bf16: bool = True
    context: int = 1
    context_tokens: int = 32
    reply_tokens: int = 160
    batch: int = 16
    epochs: float = 5.0
    later_epochs: float = 4.0
    rehearsal: float = 2.0
    trunk: int = 1024
    slice_rows: int = 512
    learning_rate: float = 8e-3
    matrix_rate: float = 8e-3
    later_share: float = 0.7
    final_rate: float = 0.05
    warmup: float = 0.05
    weight_decay: float = 0.1
    clip: float = 1.0
    dropout: float = 0.0
    width: int = 96
    layers: int = 2
    heads: int = 4
    rank: int = 8
    alpha: int = 16
    accumulate: int = 1
    patience: int = 0
    targets: str = "all-linear"
    gradient_checkpointing: bool = False
    four_bit: bool = False
    noise: float = 0.0

    def __post_init__(self) -> None:
        whole = ("threads", "batch", "trunk", "slice_rows", "width", "layers", "heads", "rank")
        for name in (*whole, "context_tokens", "reply_tokens", "accumulate"):
            if getattr(self, name) < 1:
                raise UsageError(f"The recipe's {name} must be at least 1.")
        for name in ("epochs", "later_epochs", "learning_rate", "later_share", "clip"):
            if getattr(self, name) <= 0:
                raise UsageError(f"The recipe's {name} must be above 0.")
        if self.width % (2 * self.heads):
            raise UsageError("The recipe's width must be an even multiple of its heads.")
        if not 0 <= self.dropout < 1:
            raise UsageError("The recipe's dropout must lie between 0 and 1.")

    def canonical(self) -> str:
        """Return the JSON that is hashed and stored in the manifest."""
        given = asdict(self)
        for field in fields(self):
            if field.name in _LATER and given[field.name] == field.default:
                del given[field.name]
        return json.dumps(given, sort_keys=True, separators=(",", ":"))

    def toml(self) -> str:
        """Return the recipe as a TOML document that `read` understands."""
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        return "".join(f"{name} = {json.dumps(value)}\n" for name, value in values)

    @classmethod
    def from_canonical(cls, text: str) -> Self:
        """Return the recipe that a manifest holds."""
        return _convert(cls, json.loads(text), "the manifest")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a recipe file; what it leaves out is taken from the preset of its kind.

        Raises:
            NotFound: There is no such file.
            UsageError: It is no TOML, or a name or value is not one of a recipe's.
        """
        try:
            said = tomllib.loads(path.read_text("utf-8"))
        except (FileNotFoundError, IsADirectoryError) as error:
            raise NotFound(f"There is no recipe file at {path}.") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageError(f"{path} is not a TOML file: {error}.") from error
        start = PRESETS["lora" if said.get("kind") == "lora" else "voice"]
        return _convert(cls, asdict(start) | {"name": path.stem} | said, str(path))


def _convert(cls: type[_R], values: object, where: str) -> _R:
    """Check names and types; msgspec would let unknown names of a dataclass pass."""
    known = {field.name for field in fields(Recipe)}
    strange = sorted(set(values) - known) if isinstance(values, dict) else ["(no table)"]
    if strange:
        raise UsageError(f"{where} names what no recipe has: {', '.join(strange)}.")
    try:
        return msgspec.convert(values, cls)
    except msgspec.ValidationError as error:
        raise UsageError(f"{where} is no recipe: {error}.") from error


VOICE = Recipe(name="voice", kind="scratch")
LORA = Recipe(
    name="lora",
    kind="lora",
    context=6,
    context_tokens=512,
    reply_tokens=256,
    batch=8,
    epochs=3,
    later_epochs=3,
    rehearsal=0,
    trunk=256,
    slice_rows=256,
    learning_rate=2e-4,
    matrix_rate=0.0,
    later_share=1.0,
    weight_decay=0.0,
    dropout=0.05,
)
PRESETS = {recipe.name: recipe for recipe in (VOICE, LORA)}


def preset(name: str, /, **changes: float | bool | str) -> Recipe:
    """Return a preset by name, with some fields changed."""
    try:
        return replace(PRESETS[name], **changes)  # type: ignore[arg-type]
    except KeyError:
        raise NotFound(f"There is no preset named {name}: {', '.join(PRESETS)}.") from None
