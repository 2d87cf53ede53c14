"""What a base is, told by its config.json and its headers before a weight is loaded.

Every refusal that needs no weights is made here, so that a run which cannot be begins nothing.
"""

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import msgspec

from trainer.base.headers import Tensor, tensors
from trainer.errors import BaseRefused
from trainer.recipe import Recipe
from trainer.slices import Foundation

__all__ = ["OTHER_SENSES", "Described", "Linear", "check", "describe"]

_LAYER = re.compile(r"\.(?:layers|h|blocks)\.(\d+)\.")
# Parts for pictures and sounds; words never pass through them, so they get no adapters.
OTHER_SENSES = re.compile(r"vision|visual|audio|multi_modal|image")
_ANSWERS = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")
_TABLE = re.compile(r"(?:embed_tokens|wte)\.weight$")
_MATRIX = 2


class _Text(msgspec.Struct, frozen=True):
    """The fields of a config that are read here; its other fields are the library's business."""

    hidden_size: int = 0
    num_hidden_layers: int = 0
    num_attention_heads: int = 0
    vocab_size: int = 0
    max_position_embeddings: int = 0


class _Config(_Text, frozen=True):
    architectures: list[str] | None = None
    quantization_config: msgspec.Raw | None = None
    text_config: _Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """One linear layer that can get an adapter."""

    name: str
    inputs: int
    outputs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A base: `parameters` counts all its weights, `positions` the tokens that it can read."""

    parameters: int
    vocabulary: int
    hidden: int
    intermediate: int
    layers: int
    heads: int
    positions: int
    linears: tuple[Linear, ...]

    def adapted(self, targets: str) -> tuple[Linear, ...]:
        """Return the layers that a recipe's targets mean."""
        names = {part.strip() for part in targets.split(",")}
        return tuple(
            one
            for one in self.linears
            if targets == "all-linear" or one.name.rpartition(".")[2] in names
        )


def describe(foundation: Foundation) -> Described:
    """Return what a base is.

    Raises:
        BaseRefused: It is no plain language model, or its weights are not those of its config.
    """
    root = foundation.folder
    config = _config(root)
    said: _Text = config.text_config or config
    found = tensors(root)
    words = {name: one for name, one in found.items() if not OTHER_SENSES.search(name)}
    vocabulary, hidden = _agree(root, said, words)
    linears = tuple(_linears(words))
    return Described(
        parameters=sum(one.size for one in found.values()),
        vocabulary=vocabulary,
        hidden=hidden,
        intermediate=max((one.outputs for one in linears), default=0),
        layers=len(_layers(words)),
        heads=said.num_attention_heads,
        positions=said.max_position_embeddings,
        linears=linears,
    )


def check(foundation: Foundation, recipe: Recipe) -> Described:
    """Return what a base is, after checking that a recipe can be carried out on it here.

    Raises:
        BaseRefused: It is no base for this recipe, or four bits cannot be had on this machine.
    """
    found = describe(foundation)
    names = {one.name.rpartition(".")[2] for one in found.linears}
    wanted = [part.strip() for part in recipe.targets.split(",")]
    if strange := [name for name in wanted if name not in {*names, "all-linear"}]:
        raise BaseRefused(
            f"The base at {foundation.folder} has no linear layers named {', '.join(strange)}; the "
            f"recipe's targets may be {', '.join(sorted(names))}, or all-linear."
        )
    longest = recipe.context_tokens + recipe.reply_tokens
    if recipe.kind == "seed":
        longest = recipe.longest
    if found.positions and longest > found.positions:
        raise BaseRefused(
            f"The recipe's rows have up to {longest} tokens, and the base at {foundation.folder} "
            f"reads {found.positions}; lower context_tokens, reply_tokens or context."
        )
    if recipe.four_bit:
        _four_bits()
    return found


def _config(root: Path) -> _Config:
    try:
        config = msgspec.json.decode((root / "config.json").read_bytes(), type=_Config)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BaseRefused(
            f"{root / 'config.json'} is no language model's; take another base."
        ) from error
    if config.quantization_config is not None:
        raise BaseRefused(
            f"The weights in {root} are quantised already, and adapters are learned on whole ones; "
            "take the original, and say four_bit in the recipe if memory is short."
        )
    named = config.architectures or []
    if not any(name.endswith(_ANSWERS) for name in named):
        raise BaseRefused(
            f"The model in {root} ({', '.join(named)[:80] or 'of no named architecture'}) does not "
            "write text; take a base that does, as Llama, Mistral, Gemma or Qwen do."
        )
    if not (root / "tokenizer.json").is_file():
        raise BaseRefused(
            f"{root} has no tokenizer.json; take a model that has one, or save its tokenizer anew."
        )
    return config


def _agree(root: Path, said: _Text, words: dict[str, Tensor]) -> tuple[int, int]:
    """Compare a config with the weights: what they lack would be made up, or need no end of room.

    A config may leave out what is its family's default; only what it says is compared.

    Returns:
        How many words the base has a place for, and the width of each.

    Raises:
        BaseRefused: They are of different models.
    """
    tables = [one.shape for name, one in words.items() if _TABLE.search(name)]
    shape = tables[0] if tables else ()
    vocabulary, hidden = shape if len(shape) == _MATRIX else (0, 0)
    layers = _layers(words)
    wrong = (
        not vocabulary
        or layers != set(range(len(layers)))
        or said.num_hidden_layers not in {0, len(layers)}
        or said.vocab_size not in {0, vocabulary}
        or said.hidden_size not in {0, hidden}
    )
    if wrong:
        raise BaseRefused(
            f"The weights in {root} are not those of the model that its config.json describes; "
            "restore the folder."
        )
    return vocabulary, hidden


def _layers(words: dict[str, Tensor]) -> set[int]:
    return {int(found[1]) for name in words if (found := _LAYER.search(name))}


def _linears(words: dict[str, Tensor]) -> "list[Linear]":
    """Return the matrices inside the layers; those around them are tables of words."""
    return [
        Linear(name=name.removesuffix(".weight"), inputs=one.shape[1], outputs=one.shape[0])
        for name, one in sorted(words.items())
        if name.endswith(".weight") and len(one.shape) == _MATRIX and _LAYER.search(name)
    ]


def _four_bits() -> None:
    import torch  # noqa: PLC0415 - takes seconds

    if not torch.cuda.is_available():
        raise BaseRefused(
            "A base in four bits needs an NVIDIA GPU, and there is none here; leave four_bit out "
            "of the recipe."
        )
    if find_spec("bitsandbytes") is None:
        raise BaseRefused(
            "A base in four bits needs bitsandbytes, which is not installed: "
            "pip install bitsandbytes."
        )
