"""States: trained weights after each slice, kept under the digest of what made them."""

from collections.abc import Iterable
from typing import Protocol

__all__ = ["Memory", "Store", "delete", "known", "name_of"]

_PREFIX = "state-"


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


def known(store: Store) -> set[str]:
    """Return the digests of all states in a store."""
    return {name.removeprefix(_PREFIX) for name in store.names() if name.startswith(_PREFIX)}


def delete(store: Store, states: Iterable[str]) -> int:
    """Delete states; return how many there were."""
    found = set(states) & known(store)
    for state in sorted(found):
        store.delete(name_of(state))
    return len(found)
