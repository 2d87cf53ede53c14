"""States: trained weights after each slice, kept under the digest of what made them.

Beside the weights a slice leaves traces while it is learned: a checkpoint to go on from,
and lines in the log of the run, which hold sample text. The name of each ends in the digest
of the slice's state, so whatever deletes a state takes its traces along.
"""

import re
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from typing import Protocol

from vault.errors import StorageError

__all__ = [
    "Memory",
    "Store",
    "checkpoint_of",
    "delete",
    "keeping",
    "known",
    "name_of",
    "traces",
]

_PREFIX = "state-"
_CHECKPOINT = "checkpoint-"
_TRACE = re.compile(r"(?:state-|checkpoint-|run-[^.]+\.[0-9]+\.)(?P<state>[^.]+)")


class Store(Protocol):
    """Where states are kept; the vault's derived store seals them."""

    def write(self, name: str, body: bytes) -> None:
        """Keep bytes under a name, wholly or not at all."""

    def read(self, name: str) -> bytes | None:
        """Return what was kept under a name."""

    def delete(self, name: str) -> None:
        """Forget a name; an unknown one is no error."""

    def names(self) -> Iterable[str]:
        """Return all names."""


class Memory:
    """A store that lives as long as its process: for clean runs and tests."""

    def __init__(self) -> None:
        self._bodies: dict[str, bytes] = {}

    def write(self, name: str, body: bytes) -> None:
        """Keep bytes under a name."""
        self._bodies[name] = body

    def read(self, name: str) -> bytes | None:
        """Return what was kept under a name."""
        return self._bodies.get(name)

    def delete(self, name: str) -> None:
        """Forget a name."""
        self._bodies.pop(name, None)

    def names(self) -> Iterable[str]:
        """Return all names."""
        return tuple(self._bodies)


def name_of(state: str) -> str:
    """Return the name under which a state is kept."""
    return _PREFIX + state


def checkpoint_of(state: str) -> str:
    """Return the name under which a slice is kept while it is learned."""
    return _CHECKPOINT + state


def known(store: Store) -> set[str]:
    """Return the digests of all states in a store."""
    return {name.removeprefix(_PREFIX) for name in store.names() if name.startswith(_PREFIX)}


def traces(store: Store) -> set[str]:
    """Return the digests of all states of which a store holds anything, finished or not."""
    return {found["state"] for found in map(_TRACE.fullmatch, store.names()) if found}


def delete(store: Store, states: Iterable[str]) -> int:
    """Delete states with all their traces; return how many finished ones there were."""
    wanted = set(states)
    found = wanted & known(store)
    for name in sorted(_of(store, wanted)):
        store.delete(name)
    return len(found)


def _of(store: Store, states: AbstractSet[str]) -> set[str]:
    every = ((name, _TRACE.fullmatch(name)) for name in store.names())
    return {name for name, found in every if found and found["state"] in states}


@contextmanager
def keeping() -> Iterator[None]:
    """Let a refusal of the disk say how the run goes on.

    Raises:
        StorageError: The disk refused.
    """
    try:
        yield
    except (OSError, StorageError) as error:
        why = str(error.strerror or error) if isinstance(error, OSError) else str(error)
        raise StorageError(
            f"What the run learned could not be kept ({why.rstrip('.')}); make room on the disk "
            "and run the same command again, it goes on from what was kept last."
        ) from error
