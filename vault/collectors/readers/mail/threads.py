"""To which conversation a message belongs, as far as the messages before it tell.

Gmail numbers its threads in every message, so its number wins over all references: it needs
no memory, no order, and does not change when the mailbox grows or only part of it is exported.
Elsewhere the first of the references is the thread. A reply that names only the message it
answers is led to its thread by what is remembered of that one; what is remembered is bounded
and goes with the cursor, so that a grown mailbox is read on as if it had been read whole.
"""

import msgspec

__all__ = ["Cursor", "Threads"]

_REMEMBERED = 4 << 20
_FRAME = 10  # what two strings cost besides their bytes


class Cursor(msgspec.Struct, array_like=True):
    """Where the last message of a mailbox began, and the threads known when it was reached."""

    offset: int
    threads: list[tuple[str, str]]

    def encode(self) -> bytes:
        """Return the cursor as bytes."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def decode(cls, data: bytes | None) -> "Cursor":
        """Return what bytes say; the beginning, where they say nothing that is understood."""
        try:
            found = msgspec.msgpack.decode(data or b"", type=cls)
        except msgspec.DecodeError:
            return cls(0, [])
        return found if found.offset >= 0 else cls(0, [])


class Threads:
    """Replies and the threads to which they led, the oldest forgotten first."""

    def __init__(self, known: list[tuple[str, str]], *, most: int = _REMEMBERED) -> None:
        self._most = most
        self._roots: dict[str, str] = {}
        self._size = 0
        self._last: tuple[str, str] | None = None
        for reply, root in known:
            self._remember(reply, root)

    @property
    def known(self) -> list[tuple[str, str]]:
        """What was known before the present message."""
        return list(self._roots.items())

    def advance(self) -> None:
        """Go on to the next message."""
        if self._last:
            self._remember(*self._last)
            self._last = None

    def conversation(self, native_id: str, reply_to: str, references: str, thread: str = "") -> str:
        """Return the conversation of the present message.

        Args:
            native_id: Its own id, which names the thread that it begins.
            reply_to: The id of the message it answers, if it names one.
            references: The id of the first message of the thread, if it names one.
            thread: What the program that kept it calls the thread, which then is it.
        """
        if thread:
            return thread
        root = references or self._roots.get(reply_to, reply_to)
        if not root:
            return native_id
        self._last = native_id, root
        return root

    def _remember(self, reply: str, root: str) -> None:
        before = self._roots.get(reply)
        if before is not None:
            self._size -= _cost(reply, before)
        self._roots[reply] = root
        self._size += _cost(reply, root)
        while self._size > self._most:
            oldest = next(iter(self._roots))
            self._size -= _cost(oldest, self._roots.pop(oldest))


def _cost(reply: str, root: str) -> int:
    return len(reply.encode()) + len(root.encode()) + _FRAME
