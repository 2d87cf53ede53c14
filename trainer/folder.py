"""A model as a folder that other programs open: Hugging Face files, safetensors only.

A network that is ours is written whole, an adapted one as its PEFT adapter, beside a card that
says what it was made from. The folder appears once it is complete.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from trainer import seed
from trainer.recipe import Recipe
from trainer.slices import Foundation, foundation_of
from trainer.tokenizer import END, PAD, SPECIAL, fixed_file
from vault.disk import storage
from vault.errors import Exists
from vault.events import Manifest

if TYPE_CHECKING:
    from trainer.network import Network

__all__ = ["CARD", "CREDIT", "describe_tokenizer", "remove", "written"]

CARD = "MODEL-CARD.md"
CREDIT = "SEED-CARD.md"
_WEIGHTS = ("adapter_model.safetensors", "model.safetensors")
# How the from-scratch model reads a conversation, in the words of a chat template.
_TEMPLATE = (
    "{% for m in messages %}<|{{ m.role }}|>"
    "{% if m.role == 'assistant' %}{% generation %}{{ m.content }}<|end|>{% endgeneration %}"
    "{% else %}{{ m.content }}<|end|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


@contextmanager
def written(made: Manifest, weights: bytes, out: Path) -> Iterator[Path]:
    """Write a model into a draft of a folder, which takes its name when the block is left.

    Args:
        made: Its manifest.
        weights: Its state.
        out: The folder; it must not be there, or be empty.

    Raises:
        Exists: There is something in the folder.
        BaseModelChanged: The base is not the one that was pinned.
        StorageError: The disk refused; nothing is left of the folder.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise Exists(f"There is something at {out} already; name another folder with --out.")
    network = _network(made, weights)
    with storage(f"The folder {out}"):
        out.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
        try:
            _fill(draft, network, made)
            yield draft
            draft.replace(out)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise


def _network(made: Manifest, weights: bytes) -> "Network":
    from transformers.utils import logging  # noqa: PLC0415 - takes seconds

    from trainer.network import Network  # noqa: PLC0415 - pulls in torch

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # talk is the console's
    recipe = Recipe.from_canonical(made.recipe)
    base = Foundation(digest=made.base, path=made.base_path) if made.base else None
    network = Network(recipe, base or foundation_of(recipe))
    network.restore(weights)
    return network


def _fill(folder: Path, network: "Network", made: Manifest) -> None:
    network.model.save_pretrained(folder)
    if made.kind != "lora":
        (folder / "tokenizer.json").write_bytes(fixed_file())
        describe_tokenizer(folder)
    if made.base == seed.DIGEST:
        # Who is credited for the seed is credited for what was made from it.
        (folder / CREDIT).write_bytes(seed.file(CARD))
    (folder / "README.md").unlink(missing_ok=True)
    (folder / CARD).write_text(_card(made), encoding="utf-8")
    for path in folder.iterdir():
        path.chmod(0o600)


def describe_tokenizer(folder: Path) -> None:
    """Write how the fixed tokenizer reads a conversation, beside its file."""
    said: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": SPECIAL[PAD],
        "eos_token": SPECIAL[END],
        "chat_template": _TEMPLATE,
    }
    (folder / "tokenizer_config.json").write_bytes(msgspec.json.encode(said))


def _card(made: Manifest) -> str:
    """Return what the manifest says, in lines for people."""
    kind = {
        "lora": f"An adapter for the base model {made.base}",
        "seed": f"A network that went on from Twinvault's seed {made.base}",
    }.get(made.kind, "A network of its own")
    return (
        f"# {made.model}\n\n"
        f"{kind}, made with Twinvault from {made.rows} permitted and redacted examples.\n"
        "It imitates how one person writes and knows nothing for certain. When the person takes "
        "back\nwhat it learned from, this copy has to be deleted; her vault names it then.\n\n"
        f"- weights: {made.weights}\n"
        f"- state: {made.slices[-1].state}\n"
        f"- root of rows: {made.rows_root}\n"
        f"- root of items: {made.items_root}\n"
        f"- recipe: `{made.recipe}`\n"
        f"- environment: `{made.environment}`\n"
        + "".join(f"- {name}: {value:.3f}\n" for name, value in made.metrics)
    )


def remove(folder: str, weights: str) -> bool:
    """Delete the weights in a folder that `written` made; True where they are certainly gone.

    Args:
        folder: The folder.
        weights: The digest that its card must state: another model's folder is left alone.
    """
    path = Path(folder)
    try:
        if f"- weights: {weights}\n" not in (path / CARD).read_text("utf-8"):
            return False
        for name in _WEIGHTS:
            (path / name).unlink(missing_ok=True)
        return not any(os.fspath(name).endswith(".safetensors") for name in path.iterdir())
    except (OSError, UnicodeDecodeError):
        return False
