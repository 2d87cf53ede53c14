"""Fetches the files that will be read next while the ones before are verified."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

__all__ = ["Ahead"]

_MOST: Final = 32 << 20
"""Bytes that are fetched ahead at most, unless one file alone has more."""
_THREADS: Final = 2


class Ahead:
    """Files in the order in which they are expected, a bounded number of them on their way."""

    def __init__(self, fetch: Callable[[str], bytes], length: Callable[[str], int]) -> None:
        self._fetch = fetch
        self._length = length
        self._coming: deque[tuple[str, Future[bytes]]] = deque()
        self._later: deque[str] = deque()
        self._pool: ThreadPoolExecutor | None = None

    def expect(self, names: Sequence[str]) -> None:
        """Fetch these from now on, in this order, and nothing else any more."""
        self._drop(len(self._coming))
        self._later = deque(names)
        self._ask()

    def take(self, name: str) -> bytes:
        """Return a file; whatever was expected before it is not waited for any more.

        Raises:
            Exception: Whatever fetching it raised.
        """
        for number, (coming, _) in enumerate(self._coming):
            if coming == name:
                self._drop(number)
                return self._taken()
        if name in self._later:
            self._drop(len(self._coming))
            while self._later[0] != name:
                self._later.popleft()
            self._ask()
            return self._taken()
        return self._fetch(name)

    def close(self) -> None:
        """Fetch nothing any more."""
        self._later.clear()
        self._drop(len(self._coming))
        if self._pool:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    def _taken(self) -> bytes:
        _, future = self._coming.popleft()
        self._ask()
        return future.result()

    def _drop(self, count: int) -> None:
        for _ in range(count):
            self._coming.popleft()[1].cancel()

    def _ask(self) -> None:
        ahead = sum(self._length(name) for name, _ in self._coming)
        while self._later and (not self._coming or ahead + self._length(self._later[0]) <= _MOST):
            name = self._later.popleft()
            ahead += self._length(name)
            self._pool = self._pool or ThreadPoolExecutor(_THREADS, "pod")
            self._coming.append((name, self._pool.submit(self._fetch, name)))
