"""Base models: a local Hugging Face folder that may be adapted, and its digest.

Only data is read: safetensors weights, JSON, tokenizer files. A folder that brings code
(`auto_map`) or pickles is refused as a whole, since opening either may run what a stranger
wrote. Nothing is ever fetched.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from projections.rows import Message
from trainer.errors import BaseModelChanged, BaseRefused
from trainer.recipe import Recipe
from trainer.slices import Foundation

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

__all__ = ["Templated", "inspect", "load", "require"]

_PICKLES = frozenset({".bin", ".ckpt", ".joblib", ".npy", ".npz", ".pickle", ".pkl", ".pt", ".pth"})
_READ = frozenset({".jinja", ".json", ".model", ".safetensors", ".txt"})
# safetensors itself refuses longer headers; a header may not reach beyond its file either.
_HEADER = 100_000_000


def inspect(path: Path) -> Foundation:
    """Return the digest of a base folder's files, after checking that it may be loaded.

    Raises:
        BaseRefused: It is missing or incomplete, or brings code or pickles.
    """
    root = path.expanduser().resolve()
    if not root.is_dir():
        raise BaseRefused(f"There is no base model folder at {path}.")
    files = sorted(entry for entry in root.iterdir() if entry.is_file())
    _refuse(root, files)
    told = hashlib.sha256()
    for file in files:
        if file.suffix in _READ:
            name = file.name.encode()
            told.update(len(name).to_bytes(8, "big") + name + _file_digest(file))
    return Foundation(digest=told.hexdigest(), path=str(root))


def require(foundation: Foundation) -> None:
    """Refuse a base that is not the pinned one.

    Raises:
        BaseModelChanged: A file of the base changed since it was inspected.
        BaseRefused: The folder went, or may not be loaded.
    """
    if inspect(Path(foundation.path)).digest != foundation.digest:
        raise BaseModelChanged(
            f"The base model at {foundation.path} is not the one that was pinned; "
            "put its files back, or train anew.",
        )


def _refuse(root: Path, files: list[Path]) -> None:
    names = {file.name for file in files}
    for file in files:
        if file.suffix.lower() in _PICKLES:
            raise BaseRefused(
                f"{file} may hold a pickle, which runs code when opened; "
                "convert the model to safetensors and remove it.",
            )
        if file.suffix == ".json" and "auto_map" in _keys(file):
            raise BaseRefused(f"{file} asks for code of its own (auto_map), which is never run.")
        if file.suffix == ".safetensors":
            _check_header(file)
    if "config.json" not in names:
        raise BaseRefused(f"{root} is no model folder: config.json is missing.")
    if not any(name.endswith(".safetensors") for name in names):
        raise BaseRefused(f"{root} holds no safetensors weights.")


def _keys(file: Path) -> frozenset[str]:
    """Return the names at the top of a JSON file."""
    try:
        read = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise BaseRefused(f"{file} is not valid JSON.") from error
    return frozenset(read) if isinstance(read, dict) else frozenset()


def _check_header(file: Path) -> None:
    with file.open("rb") as opened:
        size = int.from_bytes(opened.read(8), "little")
    if size > min(_HEADER, file.stat().st_size - 8):
        raise BaseRefused(f"{file} is truncated or no safetensors file.")


def _file_digest(file: Path) -> bytes:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").digest()


def load(foundation: Foundation) -> "PreTrainedModel":
    """Load the weights of a pinned base.

    Raises:
        BaseModelChanged: It is not the base that was pinned.
        BaseRefused: It cannot be loaded.
    """
    import torch  # noqa: PLC0415 - takes seconds
    from transformers import AutoModelForCausalLM  # noqa: PLC0415
    from transformers.utils import logging  # noqa: PLC0415

    require(foundation)
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # talk is the console's
    try:
        loaded = AutoModelForCausalLM.from_pretrained(
            foundation.path,
            output_loading_info=True,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32,
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise BaseRefused(
            f"The base model at {foundation.path} cannot be loaded ({type(error).__name__}).",
        ) from error
    model, told = cast("tuple[PreTrainedModel, dict[str, object]]", loaded)
    if told["missing_keys"] or told["mismatched_keys"]:
        raise BaseRefused(
            f"The weights in {foundation.path} are not those of the model that its config.json "
            "describes; restore the folder."
        )
    return model


class Templated:
    """The tokenizer of a base, speaking its chat template where it has one.

    What is learned is what the template says the assistant generates; a template that does
    not mark it is read as prompt and continuation, and a base without one gets plain lines.
    """

    def __init__(self, foundation: Foundation, recipe: Recipe) -> None:
        from transformers import AutoTokenizer  # noqa: PLC0415 - takes seconds

        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        try:
            found: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
                foundation.path,
                local_files_only=True,
                trust_remote_code=False,
            )
        except (OSError, ValueError, KeyError) as error:
            raise BaseRefused(f"{foundation.path} has no tokenizer that can be loaded.") from error
        self._tokenizer = found
        self._recipe = recipe
        self.never: tuple[int, ...] = ()

    @property
    def pad(self) -> int:
        """The id that fills up short rows; its value is masked wherever it stands."""
        pad = self._tokenizer.pad_token_id
        return int(pad) if isinstance(pad, int) else min(self.ends, default=0)

    @property
    def ends(self) -> frozenset[int]:
        """The ids that end a reply: the tokenizer's own, and what its template closes with."""
        end = self._tokenizer.eos_token_id
        found = {int(end)} if isinstance(end, int) else set()
        if self._tokenizer.chat_template:
            closing = self._closing()
            found |= {closing} if closing is not None else set()
        return frozenset(found)

    def _closing(self) -> int | None:
        """Return the special token with which the template closes a reply, if any."""
        probe = (Message(role="user", content="a"), Message(role="assistant", content="b"))
        _, reply = self._rendered(probe)
        special = [token for token in reply if token in set(self._tokenizer.all_special_ids)]
        return special[0] if special else None

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """Return the ids up to where the next reply begins, oldest messages left out first."""
        ids: list[int] = []
        for kept in _shorter(messages, self._recipe.context):
            ids = self._opened(kept)
            if len(ids) <= self._recipe.context_tokens:
                break
        return ids[-self._recipe.context_tokens :]

    def example(self, messages: Sequence[Message]) -> tuple[list[int], list[int]]:
        """Return prompt and reply; a reply that is too long does not learn its end."""
        prompt: list[int] = []
        reply: list[int] = []
        for kept in _shorter(messages[:-1], self._recipe.context):
            prompt, reply = self._rendered((*kept, messages[-1]))
            if len(prompt) <= self._recipe.context_tokens:
                break
        return prompt[-self._recipe.context_tokens :], reply[: self._recipe.reply_tokens]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of a reply."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True)).strip()

    def _rendered(self, messages: Sequence[Message]) -> tuple[list[int], list[int]]:
        if not self._tokenizer.chat_template:
            return self._plain(messages)
        if "{% generation" in str(self._tokenizer.chat_template).replace("{%-", "{%"):
            return self._marked(messages)
        opened, whole = self._opened(messages[:-1]), self._apply(messages, opens=False)
        if whole[: len(opened)] != opened:
            return self._plain(messages)
        return opened, whole[len(opened) :]

    def _marked(self, messages: Sequence[Message]) -> tuple[list[int], list[int]]:
        """Split at the last stretch that the template marks as generated."""
        applied: Any = self._tokenizer.apply_chat_template(
            _chat(messages),
            tokenize=True,
            return_dict=True,
            return_assistant_tokens_mask=True,
        )
        ids, mask = list(applied["input_ids"]), list(applied["assistant_masks"])
        if 1 not in mask:
            return self._plain(messages)
        end = len(mask) - mask[::-1].index(1)
        start = end - [*mask[:end][::-1], 0].index(0)
        return ids[:start], ids[start:end]

    def _opened(self, messages: Sequence[Message]) -> list[int]:
        if not self._tokenizer.chat_template:
            return self._plain([*messages, Message(role="assistant", content="")])[0]
        return self._apply(messages, opens=True)

    def _apply(self, messages: Sequence[Message], *, opens: bool) -> list[int]:
        applied: Any = self._tokenizer.apply_chat_template(
            _chat(messages),
            tokenize=True,
            return_dict=True,
            add_generation_prompt=opens,
        )
        return list(applied["input_ids"])

    def _plain(self, messages: Sequence[Message]) -> tuple[list[int], list[int]]:
        said = "".join(f"{message.role}: {message.content}\n" for message in messages[:-1])
        prompt = self._tokenizer(f"{said}assistant:")["input_ids"]
        reply = self._tokenizer(f" {messages[-1].content}", add_special_tokens=False)["input_ids"]
        end = self._tokenizer.eos_token_id
        return list(prompt), [*reply, *([end] if isinstance(end, int) else [])]


def _shorter(messages: Sequence[Message], most: int) -> Iterator[Sequence[Message]]:
    """Yield the newest messages, then one fewer each time, down to the last alone."""
    start = max(0, len(messages) - most)
    for first in range(start, max(start + 1, len(messages))):
        yield messages[first:]


def _chat(messages: Sequence[Message]) -> list[dict[str, str]]:
    """Return messages as templates want them: turns alternate and the user has the first."""
    turns: list[dict[str, str]] = []
    for message in messages:
        if turns and turns[-1]["role"] == message.role:
            turns[-1]["content"] += f"\n{message.content}"
        else:
            turns.append({"role": message.role, "content": message.content})
    if not turns or turns[0]["role"] == "assistant":
        turns.insert(0, {"role": "user", "content": "..."})
    return turns
