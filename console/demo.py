"""`make demo`: the main job on real input, told step by step.

It uses the same functions as the command line, in a vault of its own in the checkout, and
grants itself what it needs, saying so.
"""

import argparse
import os
import secrets
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from console import bootstrap
from console.bootstrap import Twin
from console.cli.opening import progress
from console.problems import problem_of
from console.use import checking, collecting, consenting, learning, rebuilding, viewing
from trainer.errors import NothingPermitted
from vault.consent import Effect, Filters, Profile, Purpose
from vault.errors import NotFound, NotPermitted, VaultError

__all__ = ["main"]

_SAMPLE = Path(__file__).parent / "sample"
_SAMPLE_ME = ("Hedy Marlowe", "hedy.marlowe@example.org", "h.marlowe@wyllmuseum.example")
_SAMPLE_QUESTION = "What are you doing this weekend?"
_SHOWN_ROWS = 4
_LOOKED_AT = 80
_WIDTH = 92


def main() -> None:
    """Run the demo and leave with an exit code."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--data", type=Path, help="your own exports (default: the sample)")
    parser.add_argument("--me", default="", help="your names and addresses, comma between")
    chosen = parser.parse_args()
    data = chosen.data.expanduser() if chosen.data else _SAMPLE
    me = tuple(n.strip() for n in chosen.me.split(",") if n.strip())
    try:
        _demo(data, me if chosen.data else _SAMPLE_ME, own=chosen.data is not None)
    except (VaultError, OSError, KeyboardInterrupt) as error:
        problem = problem_of(error)
        click.echo(f"\ndemo: {problem.message}", err=True)
        sys.exit(problem.status)


def _demo(data: Path, me: tuple[str, ...], *, own: bool) -> None:
    started = time.monotonic()
    if not data.exists():
        raise NotFound(f"There is nothing at {data}; name a file or folder with exports.")
    home = Path(".demo").absolute()
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(mode=0o700)
    secret = secrets.token_urlsafe(18)
    passphrase_file = home / "passphrase"
    passphrase_file.touch(mode=0o600)
    passphrase_file.write_text(secret)

    _step("A vault is created")
    created = bootstrap.create(home / "vault", secret)
    _say(f"{created.vault}, with a recovery key beside it; a passphrase was made up for the demo.")

    with _open(home / "vault", secret) as twin:
        _collect(twin, data, me, own=own)
        _consent(twin)
        _view(twin)
        model = _train(twin)
        _ask(twin, _SAMPLE_QUESTION)
        _withdraw_one_conversation(twin, model)
        _rebuild(twin)
        _verify(twin)
    took = time.monotonic() - started
    _step(f"Done in {int(took // 60)} min {int(took % 60)} s")
    _say("Go on yourself:")
    _say(
        f"  export TWIN_HOME={os.path.relpath(home / 'vault')} "
        f"TWIN_PASSPHRASE_FILE={os.path.relpath(passphrase_file)}"
    )
    _say("  .venv/bin/twin status; .venv/bin/twin chat; .venv/bin/twin --help")


@contextmanager
def _open(home: Path, secret: str) -> Iterator[Twin]:
    twin = bootstrap.open_(home, secret)
    try:
        yield twin
    finally:
        twin.close()


def _collect(twin: Twin, data: Path, me: tuple[str, ...], *, own: bool) -> None:
    _step("Files become signed, encrypted events")
    if own and not me:
        me = _guess_owner(twin, data)
    with progress("Collecting") as told:
        added = collecting.add(twin, data, names=me, progress=told)
    _say(
        f"{added.read} records read, {added.collected} collected, "
        f"{added.duplicates} duplicates, {len(added.bad)} not readable."
    )
    if added.first_at and added.last_at:
        _say(
            f"From {added.first_at:%d %b %Y} to {added.last_at:%d %b %Y}. You are: {', '.join(me)}."
        )
    for name, count in viewing.counts(twin):
        _say(f"  {count:5} {name}")


def _guess_owner(twin: Twin, data: Path) -> tuple[str, ...]:
    """Take whoever wrote most, and say so; `ME=` says it better."""
    wrote: Counter[str] = Counter()
    for item in collecting.peek(twin, data):
        if item.author and item.author.name:
            wrote[item.author.name] += 1
    if not wrote:
        return ()
    name = wrote.most_common(1)[0][0]
    _say("You were taken to be the one who wrote most; make demo ME=… says otherwise.")
    return (name,)


def _consent(twin: Twin) -> None:
    _step("Consent is asked; the demo allows what it needs")
    for data_type in ("message", "document"):
        _allow(twin, data_type, "your own words")
    for data_type in viewing.received_types(twin):
        _allow(twin, data_type, "other people's words, as context to answer to, never to imitate")
    _say("Everything else stays denied: searching, mirroring, sharing.")


def _allow(twin: Twin, data_type: str, what: str) -> None:
    consenting.say(
        twin,
        Effect.ALLOW,
        data_type,
        Purpose.TRAIN,
        filters=Filters(),
        redact=Profile.BALANCED,
        expires=None,
        recipient="",
    )
    _say(f"  allowed: {data_type} for train ({what})")


def _view(twin: Twin) -> None:
    _step("A redacted training view is built")
    with progress("Projecting") as told:
        built = viewing.build(twin, told)
    found = viewing.stats(twin)
    masked = ", ".join(f"{count} {name.lower()}" for name, count in found.redacted)
    _say(
        f"{built.rows} rows ({found.held} of them held out for ever). Masked: {masked or 'nothing'}."
    )
    samples = viewing.preview(twin, _LOOKED_AT).samples
    short = [s for s in samples if len(s.before) <= _WIDTH and s.before != s.after]
    for sample in short[:_SHOWN_ROWS]:
        _say(f"  before: {_short(sample.before)}")
        _say(f"  after:  {_short(sample.after)}")


def _train(twin: Twin) -> str:
    _step("The small model that ships is taught these words; nothing is downloaded")
    started = time.monotonic()
    with progress("Training") as told:
        trained = learning.train(twin, progress=told)
    _say(f"{trained.model} learned from {trained.rows} rows in {time.monotonic() - started:.0f} s.")
    return trained.model


def _ask(twin: Twin, question: str) -> None:
    _step("One question")
    _say(f"you:       {question}")
    _say(f"before:    {_short(learning.untrained_answer(question))}")
    answered = learning.chat(twin, question)
    _say(f"{answered.model + ':':10} {_short(answered.answer)}")


def _withdraw_one_conversation(twin: Twin, model: str) -> None:
    conversation = viewing.a_small_conversation(twin)
    _step(f"Consent for one conversation is withdrawn: {conversation.title}")
    gone = consenting.withdraw(
        twin, conversation.type, Purpose.TRAIN, Filters(conversation=conversation.name)
    )
    _say(
        f"{gone.rows_removed} rows went; suspended: {', '.join(gone.models_suspended) or 'nothing'}."
    )
    try:
        said = learning.chat(twin, "Are you still there?", model=model)
    except NotPermitted as refusal:
        _say(f"asked now, it refuses: {refusal}")
    else:
        _say(
            f"asked now, it answers as of slice {said.slice} of {said.slices}, "
            "which none of these rows has touched."
        )


def _rebuild(twin: Twin) -> None:
    _step("The model is rebuilt without them, and compared with one that never saw them")
    started = time.monotonic()
    try:
        with progress("Rebuilding") as told:
            again = rebuilding.retrain(twin, prove=True, progress=told)
    except NothingPermitted:
        _say("Nothing else is left to learn from: the model stays suspended, its states are gone.")
        return
    _say(
        f"{again.model}: {again.replayed_slices} slices replayed, {again.rows} rows, "
        f"{time.monotonic() - started:.0f} s with the clean run."
    )
    _say(f"Identical, bit by bit, to a clean run in a new process: {again.identical_to_clean_run}")


def _verify(twin: Twin) -> None:
    _step("The whole log is verified")
    with progress("Verifying") as told:
        report = checking.verify(twin, told)
    _say(
        f"{report.events} events under {report.checkpoints} signatures, "
        f"{len(report.problems)} problems."
    )


def _step(title: str) -> None:
    click.echo(f"\n== {title}")


def _say(line: str) -> None:
    click.echo(f"   {line}")


def _short(text: str) -> str:
    flat = " / ".join(text.split("\n"))
    return flat if len(flat) <= _WIDTH else flat[: _WIDTH - 1] + "…"


if __name__ == "__main__":
    main()
