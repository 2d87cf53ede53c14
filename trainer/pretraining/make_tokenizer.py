"""Make `tokenizer.json` anew: `python -m trainer.pretraining.make_tokenizer FOLDER_OF_PUBLIC_TEXT`.

The folder holds gzipped text, one utterance a line. Conversations count, each line also in
lower case, because most of texting is; the weights keep small lively sets from drowning.
The text does not ship; NOTICE credits it.
"""

import gzip
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from trainer import seed
from trainer.tokenizer import SPECIAL

__all__ = ["SIZE", "main", "make"]

# Measured on one written person, before the lexicon: of the words a voice made up, 16 % were
# none with 4k ids, 12 % with 8k, 9 % with 12k; each step took a quarter more time.
SIZE = 8192
_WEIGHTS = {
    "dialog_synthetic-persona-chat.txt.gz": 4,
    "dialog_topical-chat.txt.gz": 2,
    "dialog_self-dialogue.txt.gz": 1,
    "novels_dialogues.txt.gz": 1,
}
_SPEAKER = re.compile(r"^[AB]: ", re.MULTILINE)


def make(lines: Iterator[str], size: int = SIZE) -> Tokenizer:
    """Fit the byte-level BPE to lines of text."""
    bpe = Tokenizer(models.BPE())
    bpe.normalizer = normalizers.Sequence(
        [normalizers.Prepend(" "), normalizers.Replace("\n", "\n ")],
    )
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.Sequence(
        [decoders.ByteLevel(), decoders.Replace("\n ", "\n"), decoders.Strip(" ", 1, 0)],
    )
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(lines, trainer)
    return bpe


def read(folder: Path) -> Iterator[str]:
    """Yield every utterance as often as its set weighs, as written and in lower case."""
    for name, weight in sorted(_WEIGHTS.items()):
        text = _SPEAKER.sub("", gzip.decompress((folder / name).read_bytes()).decode("utf-8"))
        for line in filter(None, text.split("\n")):
            yield from [line, line.lower()] * weight


def main(arguments: list[str]) -> int:
    """Write the tokenizer into the folder of the seed."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m trainer.pretraining.make_tokenizer FOLDER\n")
        return 2
    make(read(Path(arguments[0]))).save(str(seed.FOLDER / "tokenizer.json"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
