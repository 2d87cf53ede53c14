"""Messenger: the threads in a download of one's Facebook account, and the encrypted ones.

Threads are recognised one by one, wherever they lie: `inbox`, `archived_threads`,
`filtered_threads`, `message_requests`, `e2ee_cutover`, or the flat folder of the download of
encrypted chats, which goes on where `e2ee_cutover` ends.
"""

from collections.abc import Iterator

import msgspec

from vault.collectors.api import About, Evidence, Record
from vault.collectors.readers.chat import TYPES
from vault.collectors.readers.json import loads
from vault.collectors.readers.meta import kind_of, read_html, read_thread, root_of, service_of
from vault.collectors.readers.mojibake import repaired
from vault.collectors.readers.tree import File, Tree, Unreadable
from vault.consent import normal
from vault.items import Bad, Progress

__all__ = ["SOURCE", "Messenger"]

_LARGEST_PROFILE = 4 << 20


class Messenger:
    """Reads the messages of a Facebook account."""

    name = "messenger"
    types = TYPES
    version = 1
    about = About(
        title="Messenger (Facebook)",
        formats=(
            ("download of a Facebook account, as JSON", Evidence.DOCUMENTED),
            ("download of end-to-end encrypted chats", Evidence.DOCUMENTED),
        ),
        paths=(
            "your_facebook_activity/messages/inbox/…/message_1.json",
            "messages/e2ee_cutover/…/message_1.json",
            "Ada_12.json",
        ),
        how=(
            "Accounts Center > Your information and permissions > Download your information, "
            "format JSON; encrypted chats: Messenger > Privacy > Encrypted chats > Storage > "
            "Download."
        ),
    )

    def detect(self, tree: Tree) -> float:
        """Return how surely a file is a thread of Messenger."""
        if len(tree.files) != 1 or tree.files[0].suffix not in {".json", ".html", ".htm"}:
            return 0.0
        file = tree.files[0]
        head = tree.head(file.path)
        kind = kind_of(file, head)
        if not kind:
            return 0.0
        if kind == "encrypted":
            return 0.95
        return {"facebook": 0.95, "": 0.8}.get(service_of(file, head), 0.0)

    def read(
        self,
        tree: Tree,
        cursor: bytes | None,  # noqa: ARG002 - each download is written anew
        me: frozenset[str],
    ) -> Iterator[Record]:
        """Yield the messages of each thread."""
        done = 0
        owners: dict[str, frozenset[str]] = {}
        for file in tree.files:
            root = root_of(file.path)
            if root not in owners:
                owners[root] = _owners(tree, file, root)
            try:
                if file.suffix == ".json":
                    yield from read_thread(tree, file, self.name, me, owners[root])
                else:
                    yield read_html(tree, file)
            except Unreadable as error:
                yield Bad(locator=file.path, reason=str(error))
            done += file.size
            yield Progress(done=done, total=tree.size)


SOURCE = Messenger()


class _Name(msgspec.Struct):
    full_name: str = ""


class _Facts(msgspec.Struct):
    name: _Name = msgspec.field(default_factory=_Name)


class _Profile(msgspec.Struct):
    profile_v2: _Facts = msgspec.field(default_factory=_Facts)


def _owners(tree: Tree, file: File, root: str) -> frozenset[str]:
    """Return the owner's name as the profile of the same download has it."""
    profile = tree.find("profile_information.json", file.path)
    if profile is None or not profile.path.startswith(root):
        return frozenset()
    try:
        with tree.open(profile.path) as stream:
            found = loads(stream.read_all(_LARGEST_PROFILE), _Profile)
    except Unreadable:
        return frozenset()
    name = found.profile_v2.name.full_name
    return frozenset({normal(repaired(name))} if name else ())
