"""Proofs that a model learned from an item, or that it did not; anybody checks them.

Such a file is the proof of the log entry that holds the model's signed manifest, words shown,
behind the leaves that lead from the item to the root of items in that manifest. There is one
way to write each, so whatever was changed is refused.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from vault import proofs
from vault.errors import ForeignVault, TamperError, UsageError
from vault.events import Manifest, ModelRetrained, ModelTrained
from vault.log.proof import LARGEST
from vault.log.witness import read_file
from vault.membership import Leaf, Members, is_member
from vault.proofs import Provable, ProvedEntry, ProvedGrowth, TreeHead

__all__ = ["ProvedLearning", "check", "prove"]

_KIND = b"twinvault/learned@v1"
_LATER = re.compile(rb"twinvault/learned@v[0-9]{1,9}")
_ITEM = re.compile(rb"item ([0-9a-f]{16}-[0-9]{1,19})")
_LEAF = re.compile(rb"leaf (0|[1-9][0-9]{0,18}) ([A-Za-z0-9+/]{43}=)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvedLearning:
    """What a proof shows: whether an item was `learned` by a model, one of so many `items`.

    `at` is when its manifest was written, `tree` the signed head that it stands under.
    """

    proves: str = "learning"
    owner: str
    model: str
    item: str
    learned: bool
    items: int
    weights: str
    at: datetime
    tree: TreeHead


def prove(log: Provable, entry: str, item: str, items: Iterable[str]) -> bytes:
    """Return the proof that a model learned from an item, or that it did not.

    Args:
        log: The open log.
        entry: The entry with the model's manifest.
        item: The item.
        items: The items that the model learned from.

    Raises:
        NotFound: There is no such entry.
        UsageError: An earlier release made the model, and its manifest names no items.
        RootMismatch: These are not the items that the manifest commits to.
    """
    data = _written(item, Members(items).about(item), proofs.prove(log, entry, reveal=True))
    _checked(data, "")
    return data


def check(path: Path, owner: str = "") -> ProvedEntry | ProvedGrowth | ProvedLearning:
    """Check a proof file of any kind, without any vault.

    Args:
        path: The file.
        owner: The fingerprint of the owner, if it is known from elsewhere.

    Raises:
        NotFound: There is no such file.
        ForeignVault: It is another owner's, of a newer format, or no proof.
        TamperError: It is cut short, or it was changed.
        UsageError: The fingerprint is none.
    """
    data = read_file(path, LARGEST)
    first = data.partition(b"\n")[0]
    if first == _KIND:
        return _checked(data, owner)
    if _LATER.fullmatch(first):
        raise ForeignVault("The proof is of a newer format; check it with a newer release.")
    return proofs.checked(data, owner)


def _written(item: str, leaves: Sequence[Leaf], entry: bytes) -> bytes:
    lines = [_KIND, b"item " + item.encode()]
    for leaf in leaves:
        lines.append(b"leaf %d %s" % (leaf.index, base64.b64encode(leaf.digest)))
        lines += map(base64.b64encode, leaf.path)
    return b"\n".join(lines) + b"\n\n" + entry


def _checked(data: bytes, owner: str) -> ProvedLearning:
    head, _, entry = data.partition(b"\n\n")
    item, leaves = _read(head.split(b"\n")[1:])
    if _written(item, leaves, entry) != data:
        _changed()
    found, made = _manifest(proofs.checked(entry, owner))
    return ProvedLearning(
        owner=found.owner,
        model=made.model,
        item=item,
        learned=is_member(item, leaves, made.items, made.items_root),
        items=made.items,
        weights=made.weights,
        at=found.at,
        tree=found.tree,
    )


def _manifest(found: ProvedEntry | ProvedGrowth) -> tuple[ProvedEntry, Manifest]:
    """Return a proved entry with the manifest that it shows."""
    match found:
        case ProvedEntry(event=ModelTrained(manifest=made) | ModelRetrained(manifest=made)):
            if not made.items_root:
                raise UsageError(
                    f"{made.model} was made by an earlier release, which did not commit to items; "
                    "`twin retrain` makes one that does."
                )
            return found, made
        case _:
            raise TamperError("The proof shows no manifest of a model; ask for it again.")


def _read(lines: Sequence[bytes]) -> tuple[str, tuple[Leaf, ...]]:
    """Return the item and the leaves that the head of a proof names."""
    item = _ITEM.fullmatch(lines[0]) if lines else None
    if item is None:
        _changed()
    found: list[tuple[int, bytes, list[bytes]]] = []
    for line in lines[1:]:
        if leaf := _LEAF.fullmatch(line):
            found.append((int(leaf[1]), _unbase64(leaf[2]), []))
        elif found:
            found[-1][2].append(_unbase64(line))
        else:
            _changed()
    return item[1].decode(), tuple(
        Leaf(index=index, digest=digest, path=tuple(path)) for index, digest, path in found
    )


def _unbase64(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        _changed()


def _changed() -> NoReturn:
    raise TamperError("The proof was cut short or changed after it was written; ask for it again.")
