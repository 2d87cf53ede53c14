"""The seed as a folder like that of any base: weights in 16 bits, config, tokenizer, words."""

import copy
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from trainer import base, folder, seed
from trainer.lexicon import Word, words_of
from trainer.pretraining.corpus import Stream
from trainer.pretraining.model import Seed
from trainer.tokenizer import SPECIAL, Fixed

__all__ = ["ship", "spelled"]

_OFTEN = 4
"""How often a word must stand in the text to be one that the seed may spell."""


def ship(made: Seed, streams: Iterable[Stream], fixed: Fixed, out: Path) -> str:
    """Write the seed into a folder; return its digest."""
    out.mkdir(parents=True, exist_ok=True)
    if out.resolve() != seed.FOLDER.resolve():
        shutil.copyfile(seed.FOLDER / "tokenizer.json", out / "tokenizer.json")
    folder.describe_tokenizer(out)
    copy.deepcopy(made.model).half().save_pretrained(out)  # type: ignore[no-untyped-call]
    (out / "generation_config.json").unlink(missing_ok=True)
    (out / "model.safetensors").chmod(0o644)
    lines = (" ".join(map(str, word)) for word in spelled(streams, fixed))
    (out / seed.WORDS).write_text("\n".join(lines) + "\n", "ascii")
    return base.inspect(out).digest


def spelled(streams: Iterable[Stream], fixed: Fixed) -> list[Word]:
    """Return the words that the text has often, as ids, in order."""
    inside, seen = fixed.inside(), Counter[Word]()
    for stream in streams:
        for drawn in filter(None, (stream.plain, stream.phone)):
            seen.update(words_of(drawn.ids.tolist(), inside, fixed.ends))
    marks = range(len(SPECIAL))
    return sorted(word for word, times in seen.items() if times >= _OFTEN and word[0] not in marks)
