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
    "bf16_base",
    "four_bit",
    "noise",
    "rare",
)

# Lowest and highest value of each number. What lies outside cannot be carried out, or would
# only ever run out of memory or time.
_BOUNDS: dict[str, tuple[float, float]] = {
    "seed": (0, 2**32),
    "threads": (1, 1024),
    "context": (1, 1024),
    "context_tokens": (1, 2**20),
    "reply_tokens": (1, 2**20),
    "batch": (1, 2**16),
    "epochs": (0.01, 1000),
    "later_epochs": (0.01, 1000),
    "rehearsal": (0, 1000),
    "trunk": (1, 2**31),
    "slice_rows": (1, 2**31),
    "learning_rate": (1e-8, 1),
    "matrix_rate": (0, 1),
    "later_share": (1e-4, 10),
    "final_rate": (0, 1),
    "warmup": (0, 1),
    "weight_decay": (0, 10),
    "clip": (1e-4, 1e6),
    "dropout": (0, 0.95),
    "width": (2, 2**14),
    "layers": (1, 512),
    "heads": (1, 512),
    "rank": (1, 4096),
    "alpha": (1, 2**16),
    "accumulate": (1, 2**16),
    "patience": (0, 1000),
    "noise": (0, 1000),
    "rare": (0, 1000),
}
_OF_A_NETWORK = ("width", "layers", "heads")
_OF_A_BASE = ("gradient_checkpointing", "bf16_base", "four_bit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to train.

    `seed` goes on from the small base that ships, with all its weights, `scratch` makes a small
    network anew, `lora` puts adapters on a local base.

    `view` is the training view that rows are taken from; without a name, all of them.
    Lengths count tokens, `context` messages. Hidden matrices learn at `matrix_rate` by Muon,
    the rest (all, where it is 0) at `learning_rate` by AdamW; slices after the first at a
    `later_share` of both. A slice repeats `rehearsal` rows of earlier
    slices for each row of its own, so that what came first is not washed out. A step sums the
    gradients of `accumulate` batches; a slice ends early after `patience` epochs that were no
    better on the rows it watches (0: never). `targets` are the linear layers that get adapters,
    by comma. `bf16` multiplies in 16 bits; `bf16_base` also keeps the base so, `four_bit` keeps
    it in 4. `noise` is the multiplier of differential privacy (0: none). Of a word that stands in
    fewer than `rare` rows a voice on the seed learns that a rare word stands there, and not which
    (0: all are learned); a private recipe needs no such thing.
    """

    name: str
    kind: Literal["seed", "scratch", "lora"]
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
    bf16_base: bool = False
    four_bit: bool = False
    noise: float = 0.0
    rare: int = 0

    def __post_init__(self) -> None:
        for name, (low, high) in _BOUNDS.items():
            # Written so that a value which is no number at all is refused too.
            if not low <= getattr(self, name) <= high:
                raise UsageError(
                    f"The recipe's {name} must lie between {low:g} and {high:g}, "
                    f"not be {getattr(self, name):g}."
                )
        if self.width % (2 * self.heads):
            raise UsageError("The recipe's width must be an even multiple of its heads.")
        if not all(part.strip() for part in self.targets.split(",")):
            raise UsageError(
                'The recipe\'s targets must be "all-linear", or names of layers by comma.'
            )
        if self.kind == "seed" and any(
            field.name in _OF_A_NETWORK and getattr(self, field.name) != field.default
            for field in fields(self)
        ):
            raise UsageError(
                "The recipe's width, layers and heads are about a network from nothing, and the seed "
                "has its own; say kind = 'scratch', or leave them out."
            )
        if self.rare and self.kind != "seed":
            raise UsageError(
                "The recipe's rare is about a voice on the seed, which has other rare words to say; "
                "say kind = 'seed', or leave it out."
            )
        said = [name for name in _OF_A_BASE if getattr(self, name)]
        if self.kind != "lora" and said:
            raise UsageError(
                f"The recipe's {said[0]} is about adapters on a base, and kind {self.kind} has "
                "none; say kind = 'lora', or leave it out."
            )

    @property
    def hides(self) -> bool:
        """Whether rare words are not learned as themselves."""
        return bool(self.rare) and not self.noise

    @property
    def longest(self) -> int:
        """The most tokens of a row in a network that is ours: a system message always stays."""
        return (self.context + 1) * (self.context_tokens + 2) + 1 + self.reply_tokens

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
    def read(cls, path: Path, start: str = "") -> Self:
        """Read a recipe file.

        Args:
            path: A TOML file.
            start: The preset that says what the file leaves out, if it is of the file's kind;
                else that of its kind does.

        Raises:
            NotFound: There is no such file or preset.
            UsageError: It is no TOML, or a name or value is not one of a recipe's.
        """
        try:
            text = path.read_text("utf-8")
        except (FileNotFoundError, IsADirectoryError) as error:
            raise NotFound(f"There is no recipe file at {path}.") from error
        except UnicodeDecodeError as error:
            raise UsageError(f"{path} is not a TOML file: {error}.") from error
        return cls.parse(text, start, name=path.stem, where=str(path))

    @classmethod
    def parse(cls, text: str, start: str = "", *, name: str, where: str) -> Self:
        """Read what a recipe file says.

        Args:
            text: TOML.
            start: As in `read`.
            name: What the recipe is called where the text does not say.
            where: What the text is called in an error.

        Raises:
            NotFound: There is no such preset.
            UsageError: It is no TOML, or a name or value is not one of a recipe's.
        """
        try:
            said = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise UsageError(f"{where} is not a TOML file: {error}.") from error
        kind = str(said.get("kind", ""))
        begun = preset(start or _BY_KIND.get(kind, "voice"))
        if kind in _BY_KIND and kind != begun.kind:
            begun = preset(_BY_KIND[kind])
        return _convert(cls, asdict(begun) | {"name": name} | said, where)


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


VOICE = Recipe(
    name="voice",
    kind="seed",
    threads=2,
    context=4,
    context_tokens=48,
    reply_tokens=96,
    epochs=3.0,
    later_epochs=3.0,
    rehearsal=0.5,
    rare=4,
    learning_rate=5e-4,
    matrix_rate=5e-4,
    weight_decay=0.1,
)
SCRATCH = Recipe(name="scratch", kind="scratch")
SMALL = Recipe(
    name="small",
    kind="lora",
    context=6,
    context_tokens=512,
    reply_tokens=256,
    batch=8,
    epochs=3,
    later_epochs=3,
    patience=1,
    rehearsal=0,
    trunk=256,
    slice_rows=256,
    learning_rate=2e-4,
    matrix_rate=0.0,
    later_share=1.0,
    weight_decay=0.01,
    dropout=0.05,
)
LARGE = replace(
    SMALL,
    name="large",
    context=12,
    context_tokens=1536,
    reply_tokens=512,
    batch=4,
    accumulate=4,
    learning_rate=1e-4,
    rank=16,
    alpha=32,
    gradient_checkpointing=True,
    bf16_base=True,
)
PRESETS = {recipe.name: recipe for recipe in (VOICE, SCRATCH, SMALL, LARGE)}
_BY_KIND = {"seed": "voice", "scratch": "scratch", "lora": "small"}


def preset(name: str, /, **changes: float | bool | str) -> Recipe:
    """Return a preset by name, with some fields changed."""
    if name not in PRESETS:
        raise NotFound(f"There is no preset named {name}; there are {', '.join(PRESETS)}.")
    return replace(PRESETS[name], **changes)  # type: ignore[arg-type]
