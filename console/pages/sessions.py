"""Which browsers are known: a link that works once, a cookie, and a passphrase typed just now.

Everything is kept in memory and ends with the server. What a browser holds is kept here only
as its SHA-256, so that finding it takes no time that tells how much of a guess was right.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

from console.pages.tries import Tries

__all__ = ["Sessions"]

_LINK_SECONDS = 600.0
_IDLE_SECONDS = 12 * 3600.0
_FRESH_SECONDS = 300.0


@dataclass(slots=True)
class _Session:
    seen: float
    proven: float | None = None


@dataclass(slots=True)
class Sessions:
    """The known browsers of one server.

    Cookies are shared by all ports of a machine, so `cookie` names the vault it is for.
    """

    cookie: str
    clock: Callable[[], float] = time.monotonic
    tries: Tries = field(init=False)
    _links: dict[bytes, float] = field(default_factory=dict)
    _sessions: dict[bytes, _Session] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tries = Tries(self.clock)

    def link(self) -> str:
        """Return a token that lets one browser in, once, within ten minutes."""
        token = secrets.token_urlsafe(32)
        self._links[_hidden(token)] = self.clock()
        return token

    def enter(self, token: str) -> str | None:
        """Return the cookie for whoever brings a token, None where it is spent or unknown."""
        given = self._links.pop(_hidden(token), None)
        if given is None or self.clock() - given > _LINK_SECONDS:
            return None
        return self.begin()

    def begin(self) -> str:
        """Begin a session, and return its cookie."""
        cookie = secrets.token_urlsafe(32)
        self._sessions[_hidden(cookie)] = _Session(self.clock())
        return cookie

    def knows(self, cookie: str) -> bool:
        """Whether a cookie is of a session; one that nobody used for half a day has ended."""
        name = _hidden(cookie)
        if not self.holds(cookie):
            self._sessions.pop(name, None)
            return False
        session = self._sessions.get(name)
        if session:
            session.seen = self.clock()
        return session is not None

    def holds(self, cookie: str) -> bool:
        """Whether a cookie is of a session; unlike with `knows`, asking does not prolong it."""
        session = self._sessions.get(_hidden(cookie))
        return session is not None and self.clock() - session.seen <= _IDLE_SECONDS

    def is_anybody_there(self) -> bool:
        """Whether a browser that is known was seen within half a day."""
        # A copy: other threads begin and end sessions meanwhile.
        known = list(self._sessions.values())
        return any(self.clock() - one.seen <= _IDLE_SECONDS for one in known)

    def attempt(self, cookie: str, is_right: Callable[[], bool], address: str = "") -> bool:
        """Try a passphrase for whoever holds a cookie; wrong ones cost more and more time.

        Args:
            cookie: What the browser holds.
            is_right: Looks at the passphrase.
            address: Where it speaks from, by which browsers that are not known are told apart.

        Raises:
            Locked: It is too soon after wrong ones.
        """
        is_known = self.knows(cookie)
        who = _hidden(cookie).hex() if is_known else f"from {address}"
        self.tries.begin(who, is_known=is_known)
        if not is_right():
            return False
        self.tries.was_right(who)
        self.prove(cookie)
        return True

    def attempt_part(self, cookie: str, look: Callable[[], None]) -> None:
        """Let whoever holds a cookie try a part of the recovery key; wrong ones cost time as well.

        It proves nothing: the passphrase is asked for all the same.

        Args:
            cookie: What the browser holds, which is known.
            look: Looks at the part, and raises where it is wrong.

        Raises:
            Locked: It is too soon after wrong ones.
        """
        who = f"key {_hidden(cookie).hex()}"
        self.tries.begin(who, is_known=True)
        look()
        self.tries.was_right(who)

    def prove(self, cookie: str) -> None:
        """Note that whoever holds a cookie has just typed the passphrase."""
        session = self._sessions.get(_hidden(cookie))
        if session:
            session.proven = self.clock()

    def has_proven(self, cookie: str) -> bool:
        """Whether the passphrase was typed in the last five minutes."""
        session = self._sessions.get(_hidden(cookie))
        return bool(
            session
            and session.proven is not None
            and self.clock() - session.proven <= _FRESH_SECONDS
        )

    def end(self, cookie: str) -> None:
        """End a session."""
        self._sessions.pop(_hidden(cookie), None)

    def end_all(self) -> None:
        """End every session, as when the vault is locked."""
        self._sessions.clear()


def _hidden(token: str) -> bytes:
    return sha256(token.encode()).digest()
