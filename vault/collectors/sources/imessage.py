"""iMessage: the database `chat.db` of macOS, and `sms.db` of an iPhone's backup.

Which columns there are changes with every system, so the table is asked first. Newer ones
leave `text` empty and archive what was written in `attributedBody`. The database itself says
what is the owner's (`is_from_me`). Reactions, and what the program tells of groups, are no
words. Text messages (SMS, RCS) of the same database are `message.sms`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from vault.collectors.api import About, Evidence, Record
from vault.collectors.readers.beside import contents, files_beside, folder_of
from vault.collectors.readers.chat import TYPES, type_of
from vault.collectors.readers.sqlite import Database, is_database
from vault.collectors.readers.text import clean
from vault.collectors.readers.tree import File, Tree, Unreadable
from vault.collectors.readers.typedstream import first_string
from vault.consent import normal
from vault.items import Agent, Bad, Item, Progress

__all__ = ["SOURCE", "IMessage"]

_SIGNS = (b"chat_message_join", b"message_attachment_join", b"associated_message_guid")
_WAY_OUT = (
    "; make a smaller copy in Terminal with: "
    "sqlite3 ~/Library/Messages/chat.db \"VACUUM INTO 'messages.db'\""
)
_EPOCH = datetime(2001, 1, 1, tzinfo=UTC)
_NANOSECONDS_FROM = 10**11  # as seconds, three thousand years later
_GROUP_STYLE = 43
_MOST_RECIPIENTS = 64
_PLACEHOLDERS = "\ufffc\ufffd"
_PROGRESS_EVERY = 4096
_COLUMNS = (
    "guid",
    "text",
    "attributedBody",
    "subject",
    "date",
    "is_from_me",
    "handle_id",
    "service",
    "destination_caller_id",
    "item_type",
    "associated_message_type",
    "thread_originator_guid",
)


class IMessage:
    """Reads the database of Apple's Messages."""

    name = "imessage"
    types = TYPES | {"message.sms.sent", "message.sms.received"}
    version = 1
    about = About(
        title="iMessage",
        formats=(("chat.db of macOS, sms.db of iOS", Evidence.DOCUMENTED),),
        paths=("Messages/chat.db", "Messages/chat.db-wal", "Messages/Attachments/", "sms.db"),
        how=(
            "Copy ~/Library/Messages (chat.db, chat.db-wal, Attachments) to another folder while "
            "Messages is closed; Terminal needs Full Disk Access."
        ),
    )

    def detect(self, tree: Tree) -> float:
        """Return how surely a file is such a database."""
        if len(tree.files) != 1 or tree.files[0].suffix not in {".db", ".sqlite", ""}:
            return 0.0
        head = tree.head(tree.files[0].path)
        if not is_database(head):
            return 0.0
        signs = sum(sign in head for sign in _SIGNS)
        if signs:
            return 0.99 if signs > 1 else 0.9
        return 0.8 if tree.files[0].name in {"chat.db", "sms.db"} else 0.0

    def read(
        self,
        tree: Tree,
        cursor: bytes | None,  # noqa: ARG002 - rows change after they were written
        me: frozenset[str],  # noqa: ARG002 - the database says what is the owner's
    ) -> Iterator[Record]:
        """Yield the messages of each database."""
        done = 0
        for file in tree.files:
            if not file.name.endswith(("-wal", "-shm")):
                try:
                    yield from _database(tree, file)
                except Unreadable as error:
                    way_out = _WAY_OUT if "larger" in str(error) else ""
                    yield Bad(locator=file.path, reason=str(error) + way_out)
            done += file.size
            yield Progress(done=done, total=tree.size)


SOURCE = IMessage()


@dataclass(slots=True)
class _Chat:
    id: str
    title: str
    is_group: bool
    people: list[Agent] = field(default_factory=list)


@dataclass(slots=True)
class _Around:
    """What stands around the messages: people, chats and attached files by their numbers."""

    people: dict[object, Agent]
    chats: dict[object, _Chat]
    files: dict[object, list[str]]


def _database(tree: Tree, file: File) -> Iterator[Record]:
    with Database(tree, file) as database:
        known = database.columns("message")
        if not {"guid", "date"} <= known:
            raise Unreadable("there are no messages in this database")
        around = _Around(people=_people(database), chats=_chats(database), files=_files(database))
        told = False
        for number, row in enumerate(_rows(database, known, file)):
            if number % _PROGRESS_EVERY == 0:
                yield Progress(done=0, total=tree.size)
            for record in [row] if isinstance(row, Bad) else _message(tree, file, around, row):
                told = True
                yield record
        if not told:
            raise Unreadable("there are no messages in this database")


def _rows(
    database: Database, known: frozenset[str], file: File
) -> Iterator[dict[str, object] | Bad]:
    """Yield the rows of all messages; what lies on damaged pages is left out once and told."""
    columns = ", ".join(f"m.{name}" if name in known else "NULL" for name in _COLUMNS)
    joined = {"message_id", "chat_id"} <= database.columns("chat_message_join")
    join = "LEFT JOIN chat_message_join j ON j.message_id = m.ROWID" if joined else ""
    chat = "j.chat_id" if joined else "NULL"
    query = (
        f"SELECT m.ROWID, {chat}, {columns} FROM message m {join} "  # noqa: S608 - names of our own
        "WHERE m.ROWID > ? ORDER BY m.ROWID"
    )
    last, leap = -(1 << 62), 1
    while leap < 1 << 40:
        try:
            for row in database.rows(query, last):
                if row[0] != last and isinstance(row[0], int):
                    last, leap = row[0], 1
                    yield dict(zip(("number", "chat", *_COLUMNS), row, strict=True))
        except Unreadable as error:
            if leap == 1:
                reason = f"{error}; messages are missing behind this one"
                yield Bad(locator=f"{file.path}#{max(last, 0)}", reason=reason)
            last, leap = max(last, 0) + leap, leap * 4
        else:
            return


def _people(database: Database) -> dict[object, Agent]:
    if not {"id"} <= database.columns("handle"):
        return {}
    return {number: _agent(id_) for number, id_ in database.rows("SELECT ROWID, id FROM handle")}


def _agent(address: object) -> Agent:
    name = clean(str(address or ""))
    if "@" in name:
        return Agent(id=f"mailto:{name.lower()}", name=name)
    digits = normal(name)
    if digits.isdigit():
        return Agent(id=f"tel:{'+' if name.startswith('+') else ''}{digits}", name=name)
    return Agent(id=f"name:{name}", name=name)


def _chats(database: Database) -> dict[object, _Chat]:
    known = database.columns("chat")
    if "chat_identifier" not in known:
        return {}
    style, title = (name if name in known else "NULL" for name in ("style", "display_name"))
    query = f"SELECT ROWID, chat_identifier, {title}, {style} FROM chat"  # noqa: S608 - names of our own
    chats: dict[object, _Chat] = {
        number: _Chat(
            id=clean(str(id_ or "")), title=clean(str(name or "")), is_group=kind == _GROUP_STYLE
        )
        for number, id_, name, kind in database.rows(query)
    }
    people = _people(database)
    if {"chat_id", "handle_id"} <= database.columns("chat_handle_join"):
        for chat, handle in database.rows("SELECT chat_id, handle_id FROM chat_handle_join"):
            if chat in chats and handle in people:
                chats[chat].people.append(people[handle])
    for one in chats.values():
        one.is_group = one.is_group or len(one.people) > 1
    return chats


def _files(database: Database) -> dict[object, list[str]]:
    """Return the paths of attached files by the number of their message."""
    joined = {"message_id", "attachment_id"} <= database.columns("message_attachment_join")
    if not joined or "filename" not in database.columns("attachment"):
        return {}
    files: dict[object, list[str]] = {}
    query = (
        "SELECT j.message_id, a.filename FROM message_attachment_join j "
        "JOIN attachment a ON a.ROWID = j.attachment_id"
    )
    for message, name in database.rows(query):
        if isinstance(name, str):
            files.setdefault(message, []).append(name)
    return files


def _message(tree: Tree, file: File, around: _Around, row: dict[str, object]) -> Iterator[Record]:
    if row["item_type"] or row["associated_message_type"]:
        return  # the program speaks of the group, or somebody reacts to a message
    locator = f"{file.path}#{row['number']}"
    try:
        text = _text(row)
    except Unreadable as error:
        yield Bad(locator=locator, reason=str(error))
        return
    names = around.files.get(row["number"], [])
    if not text and not names:
        return  # taken back, or an invitation to a game
    at = _at(row["date"])
    guid = row["guid"]
    if at is None or not isinstance(guid, str) or not guid:
        yield Bad(locator=locator, reason="it has no time" if at is None else "it has no id")
        return
    media = files_beside(tree, file.path, names, folder_of(file.path))
    chat = around.chats.get(row["chat"]) or _Chat(id="", title="", is_group=False)
    owner = row["destination_caller_id"]
    mine = _agent(owner) if isinstance(owner, str) and owner else None
    sender = around.people.get(row["handle_id"])
    sent = row["is_from_me"] == 1
    author = mine if sent else sender
    people = (*chat.people[: _MOST_RECIPIENTS + 1], *((sender,) if sender else ()), mine)
    to = dict.fromkeys(one for one in people if one and one != author and (one != mine or not sent))
    thread = row["thread_originator_guid"]
    yield Item(
        source=SOURCE.name,
        native_id=guid,
        type=_type(row["service"], chat, sent=sent),
        at=at,
        author=author,
        to=tuple(to)[:_MOST_RECIPIENTS],
        conversation=chat.id or (sender.id if sender else ""),
        reply_to=thread if isinstance(thread, str) else "",
        title=clean(row["subject"]) if isinstance(row["subject"], str) else "",
        text=text,
        attachments=tuple(shown for _, shown in media),
        locator=locator,
    )
    yield from contents(tree, media)


def _type(service: object, chat: _Chat, *, sent: bool) -> str:
    if service in {"SMS", "RCS"}:
        return f"message.sms.{'sent' if sent else 'received'}"
    return type_of(is_direct=not chat.is_group, is_sent=sent)


def _text(row: dict[str, object]) -> str:
    text, archived = row["text"], row["attributedBody"]
    if not (isinstance(text, str) and text) and isinstance(archived, bytes) and archived:
        text = first_string(archived)
    return (
        clean(text).strip(_PLACEHOLDERS).replace("\ufffc", "").strip()
        if isinstance(text, str)
        else ""
    )


def _at(date: object) -> datetime | None:
    """Return a time from seconds since 2001, or nanoseconds since macOS 10.13."""
    if not isinstance(date, int) or not date:
        return None
    microseconds = date // 1000 if abs(date) > _NANOSECONDS_FROM else date * 1_000_000
    try:
        return _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return None
