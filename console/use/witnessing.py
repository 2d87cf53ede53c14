"""Whether the log can be trusted: what it looks like now, and what others kept of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from console.bootstrap import Twin
from console.scratch import Scratch
from console.use import mirroring, proving
from console.use.proving import Kept, Proved
from projections import outside
from vault import proofs
from vault.disk import storage, write_atomic
from vault.errors import VaultError
from vault.mirrors import Device

__all__ = ["Log", "Proof", "check", "differing", "log", "prove", "prove_learning", "prove_since"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The log as it is: its entries, their root, its devices, the newest checkpoint of this one."""

    entries: int
    root: str
    owner: str
    devices: tuple[Device, ...]
    checkpoint: Kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A proof to hand out: the name of its file, and the file."""

    name: str
    content: bytes = field(repr=False)


def log(twin: Twin) -> Log:
    """Say what the log looks like."""
    head = twin.log.head
    return Log(
        entries=head.size,
        root=head.root.hex(),
        owner=twin.log.owner_public.hex(" ", 2),
        devices=mirroring.devices(twin).devices,
        checkpoint=proving.checkpoint(twin, None),
    )


def differing(twin: Twin, kept: bytes) -> tuple[str, ...]:
    """Compare the log with checkpoints that somebody kept; a sentence for each that differs.

    Raises:
        ForeignVault: They are no checkpoints.
        TamperError: No device of this vault signed them.
    """
    with _filed(twin.home, kept) as path:
        return tuple(_without(path, one) for one in proofs.differences(twin.log, path))


def prove(twin: Twin, item: str, *, reveal: bool) -> Proof:
    """Prove that an item stands in the log, and show its words if they are revealed.

    Raises:
        NotFound: There is no such entry.
        Erased: Its words are to be shown, and there are none any more.
    """
    return _proof(
        twin.home,
        f"{item}.tlog-proof",
        lambda out: proving.prove(twin, item, reveal=reveal, out=out, place=outside.DOWNLOADS),
    )


def prove_learning(twin: Twin, model: str, item: str) -> Proof:
    """Prove that a model learned from an item, or that it did not.

    Raises:
        NotFound: There is no such model or item, or what the model learned from is not kept.
        UsageError: An earlier release made the model, and its manifest names no items.
    """
    return _proof(
        twin.home,
        f"{model}.{item}.learned",
        lambda out: proving.prove_learning(twin, model, item, out=out),
    )


def prove_since(twin: Twin, kept: bytes) -> Proof:
    """Prove that the log only grew since a checkpoint that somebody kept.

    Raises:
        ForeignVault: It is no checkpoint.
        RolledBack: The log has less than it says, or something else.
    """
    with _filed(twin.home, kept) as path:
        return _proof(
            twin.home,
            "checkpoint.tlog-consistency",
            lambda out: proving.prove_since(twin, path, out=out),
        )


def check(home: Path, content: bytes, owner: str) -> Proved:
    """Check a proof that somebody handed over.

    Raises:
        ForeignVault: It is another owner's, of a newer format, or no proof.
        TamperError: It is cut short, or it was changed.
        UsageError: The fingerprint is none.
    """
    with _filed(home, content) as path:
        return proving.verify(path, owner.strip())


def _proof(home: Path, name: str, make: Callable[[Path], object]) -> Proof:
    scratch = Scratch(home)
    try:
        out = scratch.path / "proof"
        make(out)
        return Proof(name=name, content=out.read_bytes())
    finally:
        scratch.remove()


@contextmanager
def _filed(home: Path, content: bytes) -> Iterator[Path]:
    """Have bytes in a private file for a while, whose place no error tells."""
    scratch = Scratch(home)
    path = scratch.path / "file"
    try:
        with storage("The file"):
            write_atomic(path, content)
        yield path
    except VaultError as error:
        raise type(error)(_without(path, str(error))) from None
    finally:
        scratch.remove()


def _without(path: Path, told: str) -> str:
    told = told.replace(str(path), "the file")
    return told[:1].upper() + told[1:]
