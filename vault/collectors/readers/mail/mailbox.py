"""Where one message of an mbox ends and the next begins.

A line is a separator when it looks like an envelope (`From `, an address or `-`, a time)
and a header follows it; a sentence that begins with the word "From" is none. The file is
read in blocks of bounded size, so that it may be larger than the memory of the reader,
or lie in an archive.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from vault.collectors.readers.tree import Stream

__all__ = ["Message", "is_mailbox", "messages"]

_BLOCK = 1 << 18  # stays in the cache of the processor
_MOST = 8 << 20
_LARGEST = 64 << 20
_LOOK = 1200
_BOM = b"\xef\xbb\xbf"
_FROM = b"From "
_LINE_END, _QUOTE = b"\n>"

_DATED = re.compile(
    rb"From [^\n]{0,300}?\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b[^\n]{0,20}\d{1,2}:\d{2}(?::\d{2})?[^\n]{0,40}$"
)
_LOOSE = re.compile(
    rb"From (?:-\s*$|\S+@\S+\s*$|[^\n]{0,200}?\b\d{1,2}:\d{2}[^\n]{0,40}?\b(?:19|20)\d\d\b)"
)
_CUT_OFF = re.compile(rb"From \S+@\S+(?: [ \w:+-]{0,60})?\r?")
_BLANK_LINES = (b"\n\n", b"\n\r\n")
_HEADER = re.compile(rb">?[!-9;-~]{1,76}:")
_MOZILLA = re.compile(rb"From - *$")
_WELL_KNOWN = re.compile(
    rb"(?:Return-Path|Received|Message-ID|Date|From|To|Subject|MIME-Version|Path|X-Mozilla-\w+):",
    re.IGNORECASE,
)
# No header, or the end of the file within the name of one.
_NOTHING = re.compile(rb"\r?\n|$|[!-9;-~]{1,76}\Z")
_QUOTED_FROM = re.compile(rb"\n>(>*From )")


@dataclass(slots=True)
class Message:
    """One message: where its envelope begins in the file, the envelope, and the rest.

    `raw` is None for one that is larger than what is read at once.
    """

    offset: int
    envelope: bytes
    raw: bytes | None
    size: int


def is_mailbox(head: bytes) -> bool:
    """Whether a file begins as an mbox does."""
    start = 3 if head.startswith(_BOM) else 0
    return _separates(head, start, first=True)


def messages(stream: Stream, *, offset: int = 0) -> Iterator[Message]:
    """Yield the messages of an mbox, in order; text before the first is not told.

    Args:
        stream: The file.
        offset: Of which separator to begin with; what lies before is passed over.
    """
    window = _Window(stream)
    window.skip(offset)
    if offset == 0 and window.starts_with(_BOM):
        window.begin = len(_BOM)
    begun = window.begins()
    while True:
        end = window.find_separator()
        if begun:
            yield window.message(end)
        if end < 0:
            return
        begun = True
        window.advance(end)


def _separates(buffer: bytes, at: int, *, first: bool = False) -> bool:
    """Whether a separator begins at a place of the buffer."""
    if not buffer.startswith(_FROM, at):
        return False
    end = buffer.find(b"\n", at, at + 1000)
    if end < 0:
        # Cut off within an envelope: what stands before is a whole message.
        return _CUT_OFF.fullmatch(buffer, at) is not None and buffer[max(0, at - 3) : at].endswith(
            _BLANK_LINES
        )
    line = buffer[at:end].rstrip(b"\r")
    dated = _DATED.match(line) is not None
    after = buffer[end + 1 : end + 80]
    headed = _HEADER.match(after) is not None
    if dated and headed:
        return True
    # Old Mozilla wrote no date and no blank line.
    if _MOZILLA.match(line) and _WELL_KNOWN.match(after):
        return True
    # Anything weaker counts only where the blank line stands that ought to.
    if not first and not buffer[max(0, at - 3) : at].endswith(_BLANK_LINES):
        return False
    return (headed and _LOOSE.match(line) is not None) or (
        dated and _NOTHING.match(after) is not None
    )


class _Window:
    """The part of the file that is being looked at, from the present message on."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._buffer = b""
        self._position = 0  # of the buffer in the file
        self._dropped = 0  # bytes of the present message that were given up
        self._quoted = False  # whether some line of it was escaped with `>From `
        self.begin = 0  # of the present message in the buffer

    def skip(self, count: int) -> None:
        """Pass over the beginning of the file."""
        while count > 0 and (block := self._stream.read(min(count, _BLOCK))):
            self._position += len(block)
            count -= len(block)

    def starts_with(self, beginning: bytes) -> bool:
        """Whether the file begins like this."""
        self._look_ahead(0)
        return self._buffer.startswith(beginning)

    def begins(self) -> bool:
        """Whether the file begins with a separator."""
        self._look_ahead(self.begin)
        return _separates(self._buffer, self.begin, first=True)

    def message(self, end: int) -> Message:
        """Return the present message, which ends at a place of the buffer (-1: with the file)."""
        buffer, begin = self._buffer, self.begin
        stop = len(buffer) if end < 0 else end
        border = buffer.find(b"\n", begin, stop) + 1 or stop
        raw = None if self._dropped else buffer[border:stop]
        if raw is not None and self._quoted:
            raw = _QUOTED_FROM.sub(rb"\n\1", raw)
        return Message(
            offset=self._position + begin,
            envelope=buffer[begin:border].rstrip(),
            raw=raw,
            size=stop - begin + self._dropped,
        )

    def advance(self, end: int) -> None:
        """Go on to the next message."""
        self.begin = end
        self._position += self._dropped
        self._dropped = 0
        self._quoted = False

    def find_separator(self) -> int:
        """Return where the next message begins in the buffer, or -1."""
        at = self.begin + 1
        while True:
            found = self._buffer.find(_FROM, at)
            if found < 0:
                at = max(self.begin + 1, len(self._buffer) - len(_FROM) + 1)
                at -= self._give_up_middle()
                moved = self._more()
                if moved < 0:
                    return -1
                at -= moved
                continue
            before = self._buffer[found - 1]
            if before == _LINE_END:
                found -= self._look_ahead(found)
                if _separates(self._buffer, found):
                    return found
            self._quoted = self._quoted or before == _QUOTE
            at = found + len(_FROM)

    def _more(self) -> int:
        """Read on, forgetting what lies before the present message.

        Returns:
            By how much everything has moved towards the beginning; -1 at the end of the file.
        """
        # More each time, so that a large message is not copied again and again.
        block = self._stream.read(min(max(_BLOCK, len(self._buffer) - self.begin), _MOST))
        if not block:
            return -1
        moved = self.begin
        self._buffer = self._buffer[moved:] + block
        self._position += moved
        self.begin = 0
        return moved

    def _look_ahead(self, place: int) -> int:
        """Have enough behind a place to judge it; return by how much it has moved."""
        total = 0
        while len(self._buffer) < place - total + _LOOK:
            moved = self._more()
            if moved < 0:
                break
            total += moved
        return total

    def _give_up_middle(self) -> int:
        """Drop the middle of a message that is too large; return by how much its end has moved."""
        excess = len(self._buffer) - self.begin - _LARGEST
        if excess <= 0:
            return 0
        start = self.begin + _LOOK
        stop = len(self._buffer) - _LOOK
        self._buffer = self._buffer[:start] + self._buffer[stop:]
        self._dropped += stop - start
        return stop - start
