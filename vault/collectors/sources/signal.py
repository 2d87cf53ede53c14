"""Signal: its own export of all chats, and what `signal-export` and `sigtop` write.

Backups of Signal are encrypted with a key that only its owner has; they are recognised and
told, with the way to an export that can be read.
"""

from collections import Counter
from collections.abc import Iterator
from hashlib import sha256

from vault.collectors.api import About, Evidence, Record
from vault.collectors.readers.beside import contents, files_beside, folder_of
from vault.collectors.readers.chat import TYPES, is_owner, type_of
from vault.collectors.readers.signal_desktop import is_export, read_export
from vault.collectors.readers.signal_text import Said, form_of, named, said
from vault.collectors.readers.text import clean, decode, is_binary
from vault.collectors.readers.tree import File, Tree, Unreadable
from vault.items import Agent, Bad, Item, Progress

__all__ = ["SOURCE", "Signal"]

_LARGEST = 32 << 20
_MOST_RECIPIENTS = 64
_PROGRESS_EVERY = 2048
_ENCRYPTED = (
    "a backup of Signal is encrypted; in Signal Desktop choose Settings > Chats > "
    "Export chat history and add the folder that it writes"
)
_SUFFIXES = frozenset({".txt", ".md", ".json", ".jsonl", ".backup", ""})
_GROUP_DETAIL = frozenset({32, 43})


class Signal:
    """Reads exported chats of Signal."""

    name = "signal"
    types = TYPES
    version = 1
    about = About(
        title="Signal",
        formats=(
            ("export of Signal Desktop (main.jsonl)", Evidence.DOCUMENTED),
            ("signal-export (data.json, chat.md)", Evidence.DOCUMENTED),
            ("sigtop (text, short text, JSON)", Evidence.DOCUMENTED),
        ),
        paths=("signal-export-2026-01-05/main.jsonl", "Ada/data.json", "Ada/chat.md"),
        how="In Signal Desktop: Settings > Chats > Export chat history.",
    )

    def detect(self, tree: Tree) -> float:
        """Return how surely a file is a chat of Signal."""
        if len(tree.files) != 1 or tree.files[0].suffix not in _SUFFIXES:
            return 0.0
        file = tree.files[0]
        head = tree.head(file.path)
        if file.suffix == ".backup":
            return 0.95 if _is_backup(head) else 0.0
        if is_export(head):
            return 0.97
        if is_binary(head):
            return 0.0
        form = form_of(decode(head).lstrip("\n"), file.suffix)
        return {"": 0.0, "short": 0.8}.get(form, 0.95)

    def read(
        self,
        tree: Tree,
        cursor: bytes | None,  # noqa: ARG002 - each export is written anew
        me: frozenset[str],
    ) -> Iterator[Record]:
        """Yield the messages of each file."""
        done = 0
        for file in tree.files:
            try:
                yield from _file(tree, file, me, done)
            except Unreadable as error:
                yield Bad(locator=file.path, reason=str(error))
            done += file.size
            yield Progress(done=done, total=tree.size)


SOURCE = Signal()


def _is_backup(head: bytes) -> bool:
    """Whether a file begins with the length of a frame that holds salt and vector."""
    return 0 < int.from_bytes(head[:4], "big") < 256 and head[4:5] == b"\x0a"  # noqa: PLR2004


def _file(tree: Tree, file: File, me: frozenset[str], done: int) -> Iterator[Record]:
    head = tree.head(file.path)
    if file.suffix == ".backup":
        tree.opened.add(file.path)
        raise Unreadable(_ENCRYPTED)
    if is_export(head):
        is_told = False
        for record in read_export(tree, file, done):
            is_told = is_told or isinstance(record, Item | Bad)
            yield record
        if not is_told:
            raise Unreadable("there is no message in it")
        return
    form = form_of(decode(head).lstrip("\n"), file.suffix)
    if _is_told_twice(tree, file, form):
        tree.opened.add(file.path)
        return
    yield from _chat(tree, file, form, me, done)


def _is_told_twice(tree: Tree, file: File, form: str) -> bool:
    """Whether another file of the folder holds the same chat, as `signal-export` writes it.

    The page of a chat (`index.html`) is the same once more and nobody's to read.
    """
    here = folder_of(file.path)
    page = tree.find("index.html", file.path)
    if page and page.path == f"{here}index.html" and form in {"lines", "brackets"}:
        tree.opened.add(page.path)
    lines = tree.find("data.json", file.path)
    return form == "brackets" and lines is not None and lines.path == f"{here}data.json"


def _chat(tree: Tree, file: File, form: str, me: frozenset[str], done: int) -> Iterator[Record]:
    with tree.open(file.path) as stream:
        data = stream.read_all(_LARGEST)
    text = clean(decode(data)).lstrip("\n")
    del data
    chat = _Chat(tree, file, text, form)
    for number, one in enumerate(said(text, form)):
        if number % _PROGRESS_EVERY == 0:
            yield Progress(done=done, total=tree.size)
        if isinstance(one, Said):
            yield from chat.message(one, me)
        else:
            yield Bad(locator=f"{file.path}#{one[0]}", reason=one[1])


class _Chat:
    """What is the same for all messages of a file."""

    def __init__(self, tree: Tree, file: File, text: str, form: str) -> None:
        self._tree = tree
        self._file = file
        self._counts: Counter[bytes] = Counter()
        found = [one for one in said(text, form) if isinstance(one, Said)]
        if not found:
            raise Unreadable("there is no message in it")
        self._agents = {one.author: _agent(one.author) for one in found if one.author}
        self._name, detail = _named(file, text, form)
        others = 1 if any(one.is_owner for one in found) else 2
        self._is_group = len(self._agents) > others or len(detail) in _GROUP_DETAIL

    def message(self, one: Said, me: frozenset[str]) -> Iterator[Record]:
        locator = f"{self._file.path}#{one.offset}"
        if one.at is None:
            yield Bad(locator=locator, reason="it has no time")
            return
        author = self._agents.get(one.author)
        is_sent = one.is_owner or (author is not None and is_owner(me, author.id, author.name))
        to = tuple(agent for agent in self._agents.values() if agent != author)
        if not to and is_sent and not self._is_group:
            to = (_agent(self._name),)
        media = files_beside(self._tree, self._file.path, one.files, folder_of(self._file.path))
        yield Item(
            source=SOURCE.name,
            native_id=self._id(one),
            type=type_of(is_direct=not self._is_group, is_sent=is_sent),
            at=one.at,
            offset=one.minutes,
            precision=one.precision,
            assumed=one.assumed,
            author=author,
            to=to[:_MOST_RECIPIENTS],
            conversation=self._name,
            text=one.text,
            attachments=tuple(shown for _, shown in media),
            locator=locator,
        )
        yield from contents(self._tree, media)

    def _id(self, one: Said) -> str:
        """Return an id from what never changes: there are none in text."""
        minute = one.at.strftime("%Y-%m-%dT%H:%M") if one.at else ""
        stamp = str(one.sent_at) if one.sent_at else minute
        identity = f"{self._name}\x1f{stamp}\x1f{one.author}\x1f{one.text}".encode()
        digest = sha256(identity).digest()[:16]
        self._counts[digest] += 1
        return sha256(digest + str(self._counts[digest]).encode()).hexdigest()[:32]


def _named(file: File, text: str, form: str) -> tuple[str, str]:
    """Return the name of a chat, and what stands in brackets behind it."""
    stem = file.name[: len(file.name) - len(file.suffix)]
    if form in {"lines", "brackets"}:  # each chat has a folder
        folder = folder_of(file.path).rstrip("/!").replace("!", "/").rpartition("/")[2]
        return clean(folder or stem), ""
    first = text.partition("\n")[0].removeprefix("Conversation: ")
    return named(first if form == "blocks" else clean(stem))


def _agent(name: str) -> Agent:
    if name.startswith("+") and name[1:].replace(" ", "").isdigit():
        return Agent(id=f"tel:{name.replace(' ', '')}", name=name)
    return Agent(id=f"name:{name}", name=name)
