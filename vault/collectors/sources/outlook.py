"""Outlook: messages saved as `.msg`, and whole mailboxes (`.pst`, `.ost`).

A mail has the id that it has everywhere, so who also keeps it as mbox recognises it. Entries
of a mailbox that are no mail (appointments, contacts, tasks) are told, not read.
"""

from collections.abc import Iterator

from vault.collectors.api import About, Evidence, Record
from vault.collectors.readers.attached import blocks
from vault.collectors.readers.mail import mapi, pst
from vault.collectors.readers.mail.item import EMAIL, Letters, first_id
from vault.collectors.readers.mail.mapi import Letter
from vault.collectors.readers.mail.msg import is_compound, is_msg, read_msg
from vault.collectors.readers.mail.threads import Threads
from vault.collectors.readers.tree import File, Tree, Unreadable
from vault.items import Bad, Progress

__all__ = ["SOURCE", "Outlook"]

_LARGEST_MESSAGE = 64 << 20
_LARGEST_IN_ARCHIVE = 512 << 20


class Outlook:
    """Reads messages and mailboxes of Outlook."""

    name = "outlook"
    types = frozenset({f"{EMAIL}.sent", f"{EMAIL}.received"})
    version = 1
    about = About(
        title="Outlook",
        formats=(
            ("single messages (.msg)", Evidence.DOCUMENTED),
            ('mailboxes (.pst, .ost), with pip install "twinvault[pst]"', Evidence.DOCUMENTED),
        ),
        paths=("message.msg", "Outlook Files/archive.pst", "Outlook/me@example.com.ost"),
        how="File > Open & Export > Import/Export > Export to a file > Outlook Data File (.pst), "
        "without a password.",
    )

    def detect(self, tree: Tree) -> float:
        """Return how surely a file is a message or a mailbox of Outlook."""
        if len(tree.files) != 1:
            return 0.0
        file = tree.files[0]
        head = tree.head(file.path)
        if pst.is_pst(head):
            return 0.95
        if not is_compound(head):
            return 0.0
        return 0.95 if is_msg(head) else 0.9 if file.suffix in {".msg", ".oft"} else 0.0

    def read(
        self,
        tree: Tree,
        cursor: bytes | None,  # noqa: ARG002 - a mailbox does not grow at its end
        me: frozenset[str],
    ) -> Iterator[Record]:
        """Yield the mails."""
        reader = _Reader(tree, me)
        done = 0
        for file in tree.files:
            try:
                yield from reader.file(file)
            except Unreadable as error:
                yield Bad(locator=file.path, reason=str(error))
            done += file.size
            yield Progress(done=done, total=tree.size)


SOURCE = Outlook()


class _Reader:
    """Reads the files of a part."""

    def __init__(self, tree: Tree, me: frozenset[str]) -> None:
        self._tree = tree
        self._letters = Letters(SOURCE.name, me, Threads([]))

    def file(self, file: File) -> Iterator[Record]:
        if pst.is_pst(self._tree.head(file.path)):
            yield from self._mailbox(file)
            return
        with self._tree.open(file.path) as stream:
            data = stream.read_all(_LARGEST_MESSAGE)
        yield from self._mail(read_msg(data), f"{file.path}#0", ())

    def _mailbox(self, file: File) -> Iterator[Record]:
        raw = self._tree.seekable(file.path, _LARGEST_IN_ARCHIVE)
        try:
            mailbox = pst.opened(raw)
            try:
                yield from self._filed(mailbox, file)
            finally:
                mailbox.close()
        finally:
            raw.close()

    def _filed(self, mailbox: pst.File, file: File) -> Iterator[Record]:
        def enter(number: int) -> str:
            return self._tree.enter(f"{file.path}#{number}")

        for filed in pst.filed(mailbox, enter):
            locator = f"{file.path}#{filed.identifier}"
            reason = enter(filed.identifier)
            if not reason:
                try:
                    tags = (filed.folder,) if filed.folder else ()
                    yield from self._mail(filed.read(), locator, tags)
                except Unreadable as error:
                    reason = str(error)
            if reason:
                yield Bad(locator=locator, reason=reason)

    def _mail(self, letter: Letter, locator: str, tags: tuple[str, ...]) -> Iterator[Record]:
        self._letters.threads.advance()
        try:
            told = mapi.parsed(letter)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            reason = f"the message cannot be read ({type(error).__name__})"
            raise Unreadable(reason) from error
        if told.is_empty:
            raise Unreadable("there is neither a header nor text in it")
        headers = told.headers
        refers = first_id(headers["references"]) or first_id(headers["in-reply-to"])
        item = self._letters.item(
            told,
            native_id=first_id(headers["message-id"]) or mapi.native_id(letter, told),
            when=mapi.sent_at(letter, told),
            tags=(*tags, "Draft") if mapi.is_draft(letter) else tags,
            thread="" if refers else mapi.thread(letter),
            locator=locator,
        )
        yield item
        for (_, _, content), attached in zip(told.attachments, item.attachments, strict=False):
            yield from blocks(content, attached.sha256)
