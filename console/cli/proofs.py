"""`twin checkpoint`, `prove`, `verify-proof`."""

import sys
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.cli.common import agree, command, emit, talk
from console.cli.opening import opened, progress

if TYPE_CHECKING:
    from datetime import datetime

    from console.use.proving import Proved
    from vault.proofs import ProvedEntry, TreeHead

__all__ = ["checkpoint", "prove", "verify_proof"]

_FILE = click.Path(path_type=Path, dir_okay=False)
_DIRECTING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@command("checkpoint")
@click.option("--out", type=_FILE, help="Keep it in this file, in the place of an older one.")
def checkpoint(out: Path | None) -> None:
    """Hand out the newest signed checkpoint, to be kept.

    Whoever keeps it, on paper or in a mail, can tell later whether the log only grew.
    """
    from console.use import proving  # noqa: PLC0415 — heavy

    with opened() as twin:
        kept = proving.checkpoint(twin, out)

    def lines() -> None:
        if kept.out is None:
            click.echo(kept.note, nl=False)
        else:
            talk(f"{_head(kept.tree)} kept in {kept.out}.")

    emit(kept, lines)


@command("prove")
@click.argument("item_id", metavar="[ITEM]", required=False, default="")
@click.option("--since", type=_FILE, help="Prove that the log only grew since this checkpoint.")
@click.option("--training", default="", metavar="MODEL", help="Prove whether MODEL learned ITEM.")
@click.option("--replay", is_flag=True, help="Train MODEL again, and compare the weights.")
@click.option("--reveal", is_flag=True, help="Show the words too, to whoever has the file.")
@click.option("--out", type=_FILE, help="The file to write.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def prove(  # noqa: PLR0917 — options
    item_id: str,
    since: Path | None,
    training: str,
    replay: bool,
    out: Path | None,
    reveal: bool,
    yes: bool,
) -> None:
    """Prove to others that an item stands in the log, or whether a model learned from it.

    The proof of what a model learned shows its manifest: recipe, counts, statements, not a word.
    """
    if training or replay:
        _prove_training(training, item_id, out, replay=replay, other=reveal or since is not None)
        return
    if bool(item_id) == (since is not None):
        raise click.UsageError("Name an item, or a checkpoint with --since.")
    if since is not None and reveal:
        raise click.UsageError("--reveal shows the words of an item; name one.")
    from console.use import proving  # noqa: PLC0415 — heavy

    with opened() as twin:
        if since is None:
            if reveal and proving.shows_older_words(twin, item_id):
                agree("It was corrected since; the proof shows its first words. Go on?", yes=yes)
            written = proving.prove(twin, item_id, reveal=reveal, out=out)
        else:
            written = proving.prove_since(twin, since, out=out)

    def lines() -> None:
        click.echo(f"Proof written to {written.out}.")
        click.echo(f"The owner's fingerprint, to be told another way: {written.proved.owner}")

    emit(written, lines)


def _prove_training(
    model: str, item_id: str, out: Path | None, *, replay: bool, other: bool
) -> None:
    if not model or other or not (item_id or replay):
        raise click.UsageError("Name a model with --training, and an item or --replay.")
    from console.use import proving, rebuilding  # noqa: PLC0415 — heavy

    with opened() as twin, progress("Replaying", "steps") as told:
        written = proving.prove_learning(twin, model, item_id, out=out) if item_id else None
        same = rebuilding.replay(twin, model, progress=told) if replay else None

    def lines() -> None:
        if written is not None:
            _tell(written.proved, named=True)
            click.echo(f"Proof written to {written.out}.")
        if replay:
            click.echo(_REPLAYED[same])

    proved = {"out": written.out, "proved": written.proved} if written else {}
    emit(proved | ({"identical_to_replay": same} if replay else {}), lines)
    if same is False:
        sys.exit(6)


_REPLAYED = {
    True: "Training these rows again, from nothing, gave the same weights, bit by bit.",
    False: "Training these rows again gave OTHER weights: they are not what the manifest says.",
    None: "No verdict: this is another environment than the model was made in.",
}


@command("verify-proof")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--owner", default="", help="The owner's fingerprint, known from elsewhere.")
def verify_proof(file: Path, owner: str) -> None:
    """Check a proof; no vault is needed."""
    from console.use import proving  # noqa: PLC0415 — heavy

    proved = proving.verify(file, owner)
    emit(proved, lambda: _tell(proved, named=bool(owner)))


def _tell(proved: "Proved", *, named: bool) -> None:
    from vault.learning_proof import ProvedLearning  # noqa: PLC0415 — heavy
    from vault.proofs import ProvedEntry  # noqa: PLC0415 — heavy

    if isinstance(proved, ProvedLearning):
        verb = "learned" if proved.learned else "did NOT learn"
        click.echo(f"{proved.model} of {_time(proved.at)} {verb} from the item {proved.item}:")
        click.echo(f"its signed manifest commits to {proved.items} items.")
    elif isinstance(proved, ProvedEntry):
        click.echo(f"Entry {proved.entry} ({proved.topic}) of {_time(proved.at)}")
        click.echo(f"stands in the log of {_head(proved.tree)}.")
    else:
        click.echo(f"The log of {_head(proved.older)} stands unchanged in that of")
        click.echo(f"{_head(proved.tree)}.")
        if proved.counted is not None:
            click.echo(f"Its device was revoked; the first {proved.counted} entries count.")
    owner = "This is the owner you named" if named else "Compare the owner's fingerprint"
    click.echo(f"{owner}: {proved.owner}")
    if isinstance(proved, ProvedEntry):
        _tell_words(proved)


def _tell_words(proved: "ProvedEntry") -> None:
    """Show the words last: whatever they imitate, what this command says stands before them."""
    if not proved.shown:
        click.echo("What it says is not part of this proof.")
        return
    if not proved.committed:
        click.echo(
            "It is of the first version, which AES-GCM does not tie to one key: the owner "
            "could have made another key that shows other words."
        )
    if proved.event is None:
        click.echo("A newer release is needed to read what it says.")
        return
    import msgspec  # noqa: PLC0415 — not needed for --help

    item = getattr(proved.event, "item", None)
    text = item.text if item else msgspec.json.encode(proved.event, order="deterministic").decode()
    click.echo(f"\n{_harmless(text)}")


def _head(tree: "TreeHead") -> str:
    return f"{tree.size} entries up to {_time(tree.at)} (root {tree.root[:16]}…)"


def _time(at: "datetime") -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _harmless(text: str) -> str:
    """Return a stranger's words without what would steer the terminal."""
    return "".join(
        "\ufffd"
        if letter not in "\n\t" and (unicodedata.category(letter) == "Cc" or letter in _DIRECTING)
        else letter
        for letter in text
    )
