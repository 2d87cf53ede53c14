"""The tokenizer of a base, speaking its chat template where it has one.

A template is never asked which part is the reply: few tell, and some put words of their own
before it. A mark is put where the reply would stand; what is rendered before the mark is the
prompt, in training and in answering alike, and what stands behind it closes the reply. So
exactly the person's words are learned, and the one token that ends them.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from projections.rows import Message
from trainer.base.described import describe
from trainer.errors import BaseRefused
from trainer.recipe import Recipe
from trainer.slices import Foundation

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["Templated"]

_MARK = "\N{WHITE SQUARE}reply\N{WHITE SQUARE}"
# Templates that write today's date would shape other weights tomorrow. A macro hides the clock
# that the library offers them under the same name.
_SOME_DAY = (
    "{%- macro strftime_now(format) -%}{{ format|replace('%d', '01')|replace('%m', '01')"
    "|replace('%b', 'Jan')|replace('%B', 'January')|replace('%Y', '2024')|replace('%y', '24') }}"
    "{%- endmacro -%}"
)
_PROBE = (Message(role="system", content="be kind"), Message(role="user", content="soup?"))


class Templated:
    """See `trainer.tokenizer.Tokens`; a base without a template gets plain lines."""

    def __init__(self, foundation: Foundation, recipe: Recipe) -> None:
        """Load a tokenizer.

        Raises:
            BaseRefused: There is none that can be loaded, it is another model's, or its chat
                template cannot be used.
        """
        self._recipe = recipe
        self._tokenizer = found = _loaded(foundation)
        self.never: tuple[int, ...] = ()
        self._special = {
            token.content: at for at, token in found.added_tokens_decoder.items() if token.special
        }
        longest_first = sorted(self._special, key=len, reverse=True)
        self._spelled = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")
        template = found.get_chat_template() if found.chat_template else ""
        self._template = _SOME_DAY + template if template else ""
        # A template writes the token that begins a text itself.
        begins = found("")["input_ids"][:1] == [found.bos_token_id]
        self._begins = str(found.bos_token) if begins else ""
        self._knows_system = True
        self._end = self._probed(foundation.folder)

    def _probed(self, path: Path) -> int | None:
        """Try the template; return the token that closes a reply, if there is one."""
        from jinja2 import TemplateError  # noqa: PLC0415 - comes with transformers

        try:
            self._knows_system = _PROBE[0].content in self._rendered(_PROBE)[0]
        except (TemplateError, TypeError, ValueError):
            self._knows_system = False
        try:
            before, after = self._rendered(_PROBE)
        except (TemplateError, TypeError, ValueError) as error:
            raise BaseRefused(
                f"The chat template of {path} cannot be used ({type(error).__name__}); mend it, or "
                "remove it to have plain lines."
            ) from error
        if _PROBE[1].content not in before:
            raise BaseRefused(
                f"The chat template of {path} leaves out what is said; mend it, or remove it to "
                "have plain lines."
            )
        closing = next((at for at in self._ids(after) if at in self._special.values()), None)
        end = self._tokenizer.eos_token_id
        return closing if closing is not None else end if isinstance(end, int) else None

    @property
    def pad(self) -> int:
        """The id that fills up short rows; its value is masked wherever it stands."""
        pad = self._tokenizer.pad_token_id
        return pad if isinstance(pad, int) else min(self.ends, default=0)

    @property
    def ends(self) -> frozenset[int]:
        """The ids that end a reply: the tokenizer's own, and what its template closes with."""
        found = (self._tokenizer.eos_token_id, self._end)
        return frozenset(end for end in found if isinstance(end, int))

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """Return the ids up to where the next reply begins, oldest messages left out first."""
        return self._fitting(messages).ids

    def example(self, messages: Sequence[Message]) -> tuple[list[int], list[int]]:
        """Return prompt and reply; a reply that is too long does not learn its end."""
        opened = self._fitting(messages[:-1])
        said = opened.space + self._harmless(messages[-1].content).strip()
        reply = self._ids(said)
        # A tokenizer may read the beginning of a text otherwise than its middle.
        whole = self._ids(opened.text + said)
        if whole[: len(opened.ids)] == opened.ids:
            reply = whole[len(opened.ids) :]
        end = [] if self._end is None else [self._end]
        return opened.ids, [*reply, *end][: self._recipe.reply_tokens]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of a reply."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True)).strip()

    def _fitting(self, messages: Sequence[Message]) -> "_Opened":
        """Return the prompt of as many messages as the context has room for."""
        room = self._recipe.context_tokens
        kept: list[Message] = []
        for kept in _shorter(messages, self._recipe.context):
            opened = self._opened(kept)
            if len(opened.ids) <= room:
                return opened
        # One message alone is too long: its beginning goes, the template around it stays.
        words = self._ids(kept[-1].content)
        while words and len(opened.ids) > room:
            words = words[len(opened.ids) - room :]
            rest = replace(kept[-1], content=self.decode(words).lstrip("\N{REPLACEMENT CHARACTER}"))
            opened = self._opened([*kept[:-1], rest])
        return opened._replace(ids=opened.ids[-room:])

    def _opened(self, messages: Sequence[Message]) -> "_Opened":
        before, _ = self._rendered(messages)
        # Tokens hold the space before a word, so a prompt never ends in one.
        text = before.rstrip(" ")
        return _Opened(text, self._ids(text), before[len(text) :])

    def _rendered(self, messages: Sequence[Message]) -> tuple[str, str]:
        """Return the text before the next reply, and the text that closes it."""
        if not self._template:
            said = "".join(f"{one.role}: {self._harmless(one.content)}\n" for one in messages)
            return f"{self._begins}{said}assistant: ", ""
        turns = [(one.role, self._harmless(one.content)) for one in messages]
        whole = str(
            self._tokenizer.apply_chat_template(
                _turns([*turns, ("assistant", _MARK)], system=self._knows_system),
                chat_template=self._template,
                tokenize=False,
            )
        )
        before, _, after = whole.rpartition(_MARK)
        return before, after

    def _harmless(self, text: str) -> str:
        """Return text that no longer spells a special token, which would end or forge a turn."""
        return self._spelled.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])


class _Opened(NamedTuple):
    """A prompt as text and ids, and the space with which the reply to it begins."""

    text: str
    ids: list[int]
    space: str


def _loaded(foundation: Foundation) -> "PreTrainedTokenizerBase":
    from transformers import AutoTokenizer  # noqa: PLC0415 - takes seconds

    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        found: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            foundation.folder,
            local_files_only=True,
            trust_remote_code=False,
        )
    except Exception as error:  # the libraries fail in many ways on what a stranger wrote
        raise BaseRefused(
            f"{foundation.folder} has no tokenizer that can be loaded ({type(error).__name__}); "
            "restore its tokenizer.json."
        ) from error
    if found.vocab_size > describe(foundation).vocabulary:
        raise BaseRefused(
            f"The tokenizer in {foundation.folder} is of another model than the weights; restore "
            "the folder."
        )
    return found


def _shorter(messages: Sequence[Message], most: int) -> Iterator[list[Message]]:
    """Yield the newest messages, then one fewer each time; what the system says always stays."""
    system = [one for one in messages if one.role == "system"]
    said = [one for one in messages if one.role != "system"]
    for first in range(max(0, len(said) - most), max(1, len(said))):
        yield system + said[first:]


def _turns(said: Sequence[tuple[str, str]], *, system: bool) -> list[dict[str, str]]:
    """Return messages as templates want them: turns alternate and the user has the first.

    Args:
        said: Roles and words.
        system: Whether the template knows a system role; else its words go before the user's.
    """
    ruled = [words for role, words in said if role == "system"]
    turns: list[dict[str, str]] = []
    for role, words in said:
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += f"\n{words}"
        elif role != "system":
            turns.append({"role": role, "content": words})
    if turns[0]["role"] == "assistant":
        turns.insert(0, {"role": "user", "content": "..."})
    if ruled and not system:
        turns[0]["content"] = "\n\n".join([*ruled, turns[0]["content"]])
        return turns
    return [{"role": "system", "content": "\n".join(ruled)}, *turns] if ruled else turns
