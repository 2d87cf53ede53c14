"""Instagram: messages, posts and comments in a download of one's account, as JSON.

Messages have the shapes of Messenger (`readers.meta`). Posts are the owner's own words under
pictures; of comments the download holds only those that the owner wrote.
"""

from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256

import msgspec

from vault.collectors.api import About, Evidence, Record
from vault.collectors.readers.beside import contents, files_beside
from vault.collectors.readers.chat import TYPES
from vault.collectors.readers.json import loads
from vault.collectors.readers.meta import (
    kind_of,
    moment,
    read_html,
    read_thread,
    root_of,
    service_of,
)
from vault.collectors.readers.mojibake import repaired
from vault.collectors.readers.text import clean
from vault.collectors.readers.tree import File, Tree, Unreadable
from vault.consent import normal
from vault.items import Agent, Bad, Item, Progress

__all__ = ["SOURCE", "Instagram"]

_LARGEST = 64 << 20
_SECOND = timedelta(seconds=1)
_POST_KEYS = ("ig_reels_media", "ig_igtv_media", "ig_archived_post_media", "ig_stories")
_COMMENT_KEYS = ("comments_reels_comments", "comments_media_comments", "comments_story_comments")
_POST, _COMMENT = "post.social", "post.comment"


class Instagram:
    """Reads what somebody wrote on Instagram, and the messages to her."""

    name = "instagram"
    types = TYPES | {_POST, _COMMENT}
    version = 1
    about = About(
        title="Instagram",
        formats=(
            ("messages of a download as JSON", Evidence.DOCUMENTED),
            ("posts and comments of a download as JSON", Evidence.DOCUMENTED),
        ),
        paths=(
            "your_instagram_activity/messages/inbox/…/message_1.json",
            "your_instagram_activity/media/posts_1.json",
            "your_instagram_activity/comments/post_comments_1.json",
        ),
        how=(
            "Accounts Center > Your information and permissions > Download your information, "
            "format JSON."
        ),
    )

    def detect(self, tree: Tree) -> float:
        """Return how surely a file is of an account of Instagram."""
        if len(tree.files) != 1 or tree.files[0].suffix not in {".json", ".html", ".htm"}:
            return 0.0
        file = tree.files[0]
        head = tree.head(file.path)
        if file.suffix == ".json" and _writing(file, head):
            return 0.95
        kind = kind_of(file, head)
        if not kind or kind == "encrypted":
            return 0.0
        return {"instagram": 0.95, "": 0.7}.get(service_of(file, head), 0.0)

    def read(
        self,
        tree: Tree,
        cursor: bytes | None,  # noqa: ARG002 - each download is written anew
        me: frozenset[str],
    ) -> Iterator[Record]:
        """Yield messages, posts and comments."""
        done = 0
        owners: dict[str, frozenset[str]] = {}
        for file in tree.files:
            root = root_of(file.path)
            if root not in owners:
                owners[root] = _owners(tree, file, root)
            try:
                yield from _file(tree, file, me, owners[root])
            except Unreadable as error:
                yield Bad(locator=file.path, reason=str(error))
            done += file.size
            yield Progress(done=done, total=tree.size)


SOURCE = Instagram()


def _file(tree: Tree, file: File, me: frozenset[str], owners: frozenset[str]) -> Iterator[Record]:
    if file.suffix != ".json":
        yield read_html(tree, file)
    elif kind := _writing(file, tree.head(file.path)):
        yield from _entries(tree, file, kind)
    else:
        yield from read_thread(tree, file, SOURCE.name, me, owners)


def _writing(file: File, head: bytes) -> str:
    """Return which data type a list of posts or comments has, nothing where it is none."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:256]
    is_list = start.startswith(b"[")
    if b'"creation_timestamp"' in head and b'"uri"' in head:
        is_post = _has(start, _POST_KEYS) or (is_list and b'"media"' in start)
        return _POST if is_post else ""
    if b'"string_map_data"' in head or b'"string_list_data"' in head:
        named = is_list and "comments" in file.name.casefold()
        return _COMMENT if named or _has(start, _COMMENT_KEYS) else ""
    return ""


def _has(start: bytes, keys: tuple[str, ...]) -> bool:
    return any(f'"{key}"'.encode() in start for key in keys)


# --- posts and comments ---


class _Media(msgspec.Struct):
    uri: str = ""
    title: str = ""
    creation_timestamp: int | float | None = None


class _Post(_Media):
    media: list[_Media] | _Media | None = None


class _Value(msgspec.Struct):
    value: str = ""
    timestamp: int | float | None = None


class _Comment(msgspec.Struct):
    title: str = ""
    facts: dict[str, _Value] = msgspec.field(default_factory=dict, name="string_map_data")
    listed: list[_Value] = msgspec.field(default_factory=list, name="string_list_data")


def _entries(tree: Tree, file: File, kind: str) -> Iterator[Record]:
    """Yield each entry of a list, which may be broken one by one."""
    with tree.open(file.path) as stream:
        data = stream.read_all(_LARGEST)
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        entries = loads(data, list[msgspec.Raw])
    else:
        lists = loads(data, dict[str, list[msgspec.Raw]])
        entries = [entry for one in lists.values() for entry in one]
    if not entries:
        raise Unreadable("there is nothing in it")
    for number, entry in enumerate(entries):
        locator = f"{file.path}#{number}"
        try:
            if kind == _POST:
                yield from _post(tree, file, loads(bytes(entry), _Post), locator)
            else:
                yield _comment(loads(bytes(entry), _Comment), locator)
        except Unreadable as error:
            yield Bad(locator=locator, reason=str(error))


def _post(tree: Tree, file: File, post: _Post, locator: str) -> Iterator[Record]:
    """Yield a post: its caption stands with its picture where there is but one."""
    media = [post.media] if isinstance(post.media, _Media) else post.media or [post]
    title = post.title or next((one.title for one in media if one.title), "")
    stated = post.creation_timestamp or next((one.creation_timestamp for one in media), None)
    at = moment(stated, _SECOND)
    if at is None:
        raise Unreadable("it has no time")
    uris = [one.uri for one in media if one.uri and "://" not in one.uri]
    found = files_beside(tree, file.path, uris, "")
    name = uris[0].rpartition("/")[2] if uris else ""
    yield Item(
        source=SOURCE.name,
        native_id=f"post {int(stated or 0)} {name}".strip(),
        type=_POST,
        at=at,
        conversation="posts",
        text=_said(title),
        attachments=tuple(shown for _, shown in found),
        locator=locator,
    )
    yield from contents(tree, found)


def _comment(comment: _Comment, locator: str) -> Item:
    """Return a comment; the names of its facts are translated, their order is not."""
    facts = comment.facts or {str(number): one for number, one in enumerate(comment.listed)}
    values = [one.value for one in facts.values() if one.value]
    text = facts["Comment"].value if "Comment" in facts else values[0] if values else ""
    owner = facts["Media Owner"].value if "Media Owner" in facts else ""
    owner = _said(owner or (values[1] if len(values) > 1 else comment.title))
    stated = next((one.timestamp for one in facts.values() if one.timestamp), None)
    at = moment(stated, _SECOND)
    if at is None or not text:
        raise Unreadable("it has no time" if at is None else "there are no words in it")
    identity = f"{int(stated or 0)}\x1f{owner}\x1f{_said(text)}"
    return Item(
        source=SOURCE.name,
        native_id=f"comment {sha256(identity.encode()).hexdigest()[:32]}",
        type=_COMMENT,
        at=at,
        to=(Agent(id=f"acct:{owner}@instagram.com", name=owner),) if owner else (),
        conversation="comments",
        text=_said(text),
        locator=locator,
    )


def _said(text: str) -> str:
    return clean(repaired(text)).strip()


# --- whose account it is ---


class _Person(msgspec.Struct):
    facts: dict[str, _Value] = msgspec.field(default_factory=dict, name="string_map_data")


class _Profile(msgspec.Struct):
    profile_user: list[_Person] = []


def _owners(tree: Tree, file: File, root: str) -> frozenset[str]:
    """Return the owner's names as the profile of the same download has them."""
    profile = tree.find("personal_information.json", file.path)
    if profile is None or not profile.path.startswith(root):
        return frozenset()
    try:
        with tree.open(profile.path) as stream:
            found = loads(stream.read_all(_LARGEST), _Profile)
    except Unreadable:
        return frozenset()
    stated = (
        person.facts.get(key) for person in found.profile_user for key in ("Name", "Username")
    )
    return frozenset(normal(repaired(one.value)) for one in stated if one and one.value)
