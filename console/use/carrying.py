"""Attachments, models and papers on their way into a portable copy.

Weights are written as they are kept: safetensors, which open without this program. Only a
model that may answer is carried with its weights; of any other, what is on the record.
"""

import base64
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from console.bootstrap import Twin
from console.desk import Desk
from console.use.learning import signable
from trainer import seed
from trainer.base import require
from trainer.building import small_config
from trainer.errors import TrainingError
from trainer.folder import CARD, CREDIT
from trainer.recipe import Recipe
from trainer.slices import Foundation
from trainer.states import name_of
from trainer.tokenizer import fixed_file
from vault.collectors.portable import attachment_file
from vault.contents import read
from vault.events import Manifest, ModelRetrained, ModelTrained
from vault.items import Item

__all__ = ["About", "Trained", "carry_attachments", "carry_models", "carry_papers"]

Trained = tuple[str, ModelTrained | ModelRetrained]
"""The id of an entry, and the model that came into being there."""

_EMBEDDING = "model.embed_tokens.weight"
_SMALL = (
    "A Llama of Hugging Face Transformers (LlamaForCausalLM) with config.json beside this file; "
    "lm_head shares the weights of the embedding. tokenizer.json is its byte-level BPE; a turn is "
    "<|user|> or <|system|>, tokens, <|end|>, and an answer follows <|assistant|>. Tensors named "
    "lexicon.* are no weights: they list the words that it may spell."
)
_ADAPTED = (
    "Low-rank adapters (LoRA, rank {rank}, alpha {alpha}, as PEFT names them) on every linear "
    "layer of a base model. The base is not in this copy: it is a folder of Hugging Face "
    "Transformers whose files have the digest {base}."
)


class About(msgspec.Struct, frozen=True, kw_only=True):
    """`model.json`: a model, what its weights belong to, and its signed manifest.

    `signature` is the device's over `twinvault/signed/1`, a line feed, and the text of
    `manifest`, as on papers. `weights` is empty where the model may not answer.
    """

    model: str
    status: str
    network: str
    weights: str
    manifest: str
    public_key: str
    signature: str


def carry_attachments(twin: Twin, desk: Desk, item: Item) -> int:
    """Write the files of an item that the vault has and the copy has not; return how many."""
    written = 0
    for attachment in item.attachments:
        if entries := twin.views.timeline.attached.blocks(attachment):
            path = attachment_file(attachment.sha256)
            blocks = read(twin.log, attachment, entries)
            written += desk.pour(path, attachment.sha256, blocks)
    return written


def carry_models(twin: Twin, desk: Desk, trained: Sequence[Trained]) -> int:
    """Write every model that the log knows; return how many there are."""
    for entry_id, event in trained:
        made = event.manifest
        folder = f"models/{made.model}"
        weights = _weights(twin, made)
        if weights is not None:
            desk.put(f"{folder}/model.safetensors", weights)
            _describe(desk, folder, made, weights)
        feed = bytes.fromhex(entry_id.partition("-")[0])
        about = About(
            model=made.model,
            status=twin.views.lineage.model(made.model).status,
            network=_network(made),
            weights="model.safetensors" if weights is not None else "",
            manifest=signable(made).decode(),
            public_key=twin.log.certificate(feed).public_key.hex(),
            signature=base64.b64encode(event.signature).decode(),
        )
        desk.put(f"{folder}/model.json", _json(about))
    return len(trained)


def carry_papers(twin: Twin, desk: Desk) -> int:
    """Copy receipts and certificates; return how many there are."""
    found = sorted((twin.home / "papers").glob("*.json"))
    for paper in found:
        desk.put(f"papers/{paper.name}", paper.read_bytes())
    return len(found)


def _weights(twin: Twin, made: Manifest) -> bytes | None:
    """Return a model's weights, None where it may not answer or they are gone."""
    if not twin.views.lineage.usable(made.model, twin.vault.now()):
        return None
    return twin.models.read(name_of(made.slices[-1].state))


def _describe(desk: Desk, folder: str, made: Manifest, weights: bytes) -> None:
    """Write what opens a network that is ours in other programs; nothing where that is not whole."""
    try:
        described = dict(_described(made, weights))
    except (TrainingError, OSError):
        return
    for name, body in described.items():
        desk.put(f"{folder}/{name}", body)


def _described(made: Manifest, weights: bytes) -> Iterator[tuple[str, bytes]]:
    recipe = Recipe.from_canonical(made.recipe)
    if made.base == seed.DIGEST:
        require(Foundation(digest=made.base))
        # Who is credited for the seed is credited for what was made from it.
        yield CREDIT, (seed.FOLDER / CARD).read_bytes()
    elif made.base:
        return
    if recipe.kind == "lora":
        return
    yield "config.json", _json(_config(recipe, weights))
    yield "tokenizer.json", fixed_file()


def _config(recipe: Recipe, weights: bytes) -> dict[str, Any]:
    if recipe.kind == "scratch":
        named = {"architectures": ["LlamaForCausalLM"], "model_type": "llama"}
        return named | small_config(recipe, _vocabulary(weights))
    said: dict[str, Any] = msgspec.json.decode((seed.FOLDER / "config.json").read_bytes())
    # The seed ships in 16 bits, and what went on from it is kept in 32.
    return said | {"dtype": "float32"}


def _vocabulary(weights: bytes) -> int:
    """Return how many tokens the weights know, from the header of the safetensors."""
    size = int.from_bytes(weights[:8], "little")
    header: dict[str, Any] = msgspec.json.decode(weights[8 : 8 + size])
    return int(header[_EMBEDDING]["shape"][0])


def _network(made: Manifest) -> str:
    recipe = Recipe.from_canonical(made.recipe)
    if recipe.kind != "lora":
        return _SMALL
    return _ADAPTED.format(rank=recipe.rank, alpha=recipe.alpha, base=made.base)


def _json(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"
