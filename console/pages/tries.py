"""How often a secret may be tried: wrong ones cost more and more time.

A try counts as wrong before it is looked at, so that many at once gain nothing. Known browsers
are counted each for itself: whoever guesses from outside does not keep the owner out.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from vault.errors import Locked

__all__ = ["Tries"]

_FREE = 3
_LONGEST = 300.0


@dataclass(slots=True)
class _Wrong:
    times: int = 0
    until: float = 0.0


@dataclass(slots=True)
class Tries:
    """The wrong tries of each who tries."""

    clock: Callable[[], float] = time.monotonic
    _wrong: dict[str, _Wrong] = field(default_factory=dict)

    def begin(self, who: str) -> None:
        """Let somebody try once.

        Args:
            who: What names a known browser; empty for all others together.

        Raises:
            Locked: It is too soon after wrong ones.
        """
        wrong = self._wrong.setdefault(who, _Wrong())
        now = self.clock()
        if now < wrong.until:
            seconds = math.ceil(wrong.until - now)
            raise Locked(f"Wrong too often; type the passphrase again in {seconds} seconds.")
        wrong.times += 1
        if wrong.times >= _FREE:
            wrong.until = now + min(_LONGEST, 2.0 ** (wrong.times - _FREE))

    def was_right(self, who: str) -> None:
        """Forget the wrong tries of somebody who knows the secret."""
        self._wrong.pop(who, None)
