"""How often a secret may be tried: wrong ones cost more and more time.

A try counts as wrong before it is looked at, so that many at once gain nothing. Known browsers
are counted each for itself, and all others by their address: whoever guesses from outside does
not keep the owner out. Having many addresses gains little: all strangers together have so many
tries an hour, more than one address alone can come to.
"""

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from vault.errors import Locked

__all__ = ["Tries"]

_FREE = 3
_LONGEST = 300.0
_STRANGERS = 100
_HOUR = 3600.0


@dataclass(slots=True)
class _Wrong:
    times: int = 0
    until: float = 0.0


@dataclass(slots=True)
class Tries:
    """The wrong tries of each who tries."""

    clock: Callable[[], float] = time.monotonic
    _wrong: dict[str, _Wrong] = field(default_factory=dict)
    _strangers: deque[float] = field(default_factory=deque)

    def begin(self, who: str, *, is_known: bool) -> None:
        """Let somebody try once.

        Args:
            who: What names a known browser, or the address of one that is not.
            is_known: Whether the browser is known.

        Raises:
            Locked: It is too soon after wrong ones.
        """
        wrong = self._wrong.setdefault(who, _Wrong())
        now = self.clock()
        until = wrong.until if is_known else max(wrong.until, self._together(now))
        if now < until:
            seconds = math.ceil(until - now)
            waiting = "1 second" if seconds == 1 else f"{seconds} seconds"
            raise Locked(f"Wrong too often; try again in {waiting}.")
        if not is_known:
            self._strangers.append(now)
        wrong.times += 1
        if wrong.times >= _FREE:
            wrong.until = now + min(_LONGEST, 2.0 ** (wrong.times - _FREE))

    def _together(self, now: float) -> float:
        """Return until when no stranger may try, as all of them tried too often this hour."""
        while self._strangers and now - self._strangers[0] >= _HOUR:
            self._strangers.popleft()
        return self._strangers[0] + _HOUR if len(self._strangers) >= _STRANGERS else now

    def was_right(self, who: str) -> None:
        """Forget the wrong tries of somebody who knows the secret."""
        self._wrong.pop(who, None)
