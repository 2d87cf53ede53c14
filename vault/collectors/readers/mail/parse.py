"""Bytes of a message to its parts: fast where that is safe, slowly where it would be a guess."""

import re

from fast_mail_parser import ParseError, PyLazyMail, PyMail, parse_email

from vault.collectors.readers.mail.slowly import Parsed, parse_slowly
from vault.collectors.readers.tree import Unreadable

__all__ = ["parse"]

_WANTED = re.compile(
    rb"\n(message-id|in-reply-to|references|content-language|x-gm-thrid|x-gmail-labels):"
    rb"[ \t]*([^\n]*(?:\n[ \t][^\n]*)*)",
    re.IGNORECASE,
)
_LARGE = 1 << 16
# The name of a header without its colon, and nothing behind it.
_CUT_OFF = re.compile(rb"\n[!-9;-~]{1,76}\Z")


def parse(raw: bytes) -> Parsed:
    """Parse a message, slowly where the fast way fails or had to guess.

    Raises:
        Unreadable: It ends within its header, or there is nothing in it.
    """
    try:
        # A large file is then decoded once, where it would lie in memory twice.
        mail = parse_email(raw, mode="lazy") if len(raw) > _LARGE else parse_email(raw)
        kinds = {warning.kind for warning in mail.warnings}
        if "unterminated-header-block" in kinds and _CUT_OFF.search(raw):
            raise Unreadable("it is cut off in its header")
        parsed = parse_slowly(raw) if "charset-fallback" in kinds else _parsed(mail, raw)
    except ParseError:
        parsed = parse_slowly(raw)
    if parsed.is_empty:
        raise Unreadable("there is neither a header nor text in it")
    return parsed


def _parsed(mail: PyMail | PyLazyMail, raw: bytes) -> Parsed:
    sender = mail.from_
    return Parsed(
        headers=_headers(raw, mail.date),
        subject=mail.subject,
        sender=(sender.display_name, sender.address) if sender else None,
        to=[(one.display_name, one.address) for one in (*mail.to, *mail.cc, *mail.bcc)],
        plain=mail.text_plain,
        html=mail.text_html,
        attachments=[(one.filename, one.mimetype, one.content) for one in mail.attachments],
    )


def _headers(raw: bytes, date: str) -> dict[str, str]:
    """Return the headers that an item needs.

    Looked up in the bytes, because a mapping of all headers costs half as much again as
    parsing the message.
    """
    line = raw.find(b"\n")
    end = raw.find(b"\n\r\n" if raw[line - 1 : line] == b"\r" else b"\n\n")
    found = {"date": date}
    for name, value in _WANTED.findall(b"\n" + (raw if end < 0 else raw[:end])):
        found.setdefault(name.lower().decode(), value.decode("utf-8", "replace").strip())
    return found
