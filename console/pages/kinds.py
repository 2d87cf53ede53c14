"""What a person calls a data type, and the icon that stands for it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Kind", "kind_of", "kinds_beneath", "kinds_counted"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A data type as a person calls it: its name, one of it, and its icon."""

    type: str
    name: str
    one: str
    icon: str


_KINDS = {
    kind.type: kind
    for kind in (
        Kind("message", "Messages", "Message", "message-circle"),
        Kind("message.chat", "Chats", "Chat message", "message-circle"),
        Kind("message.chat.direct", "Direct chats", "Direct message", "message-circle"),
        Kind("message.chat.group", "Group chats", "Group message", "messages-square"),
        Kind("message.email", "Email", "Email", "mail"),
        Kind("message.sms", "Text messages", "Text message", "smartphone"),
        Kind("document", "Documents", "Document", "file-text"),
        Kind("document.note", "Notes", "Note", "notebook-pen"),
        Kind("document.journal", "Journals", "Journal entry", "book-open"),
        Kind("post", "Posts", "Post", "megaphone"),
        Kind("post.comment", "Comments", "Comment", "message-square"),
        Kind("code", "Code", "Code", "code"),
        Kind("activity", "Activity", "Activity", "activity"),
        Kind("calendar", "Calendar", "Calendar entry", "calendar"),
        Kind("media", "Photos and media", "Photo or media", "image"),
        Kind("contact", "Contacts", "Contact", "contact"),
        Kind("health", "Health", "Health record", "heart-pulse"),
        Kind("finance", "Money", "Money record", "wallet"),
        Kind("location", "Places", "Place", "map-pin"),
        Kind("sexuality", "Sexuality", "Matter of sexuality", "heart"),
        Kind("religion", "Religion", "Matter of religion", "sparkles"),
        Kind("politics", "Politics", "Matter of politics", "landmark"),
        Kind("ethnicity", "Ethnicity", "Matter of ethnicity", "globe"),
        Kind("crime", "Crime", "Matter of crime", "scale"),
        Kind("minors", "Children", "Matter of children", "baby"),
    )
}
_WAYS = frozenset({"sent", "received"})


def kind_of(data_type: str) -> Kind:
    """Return what a data type is called; one without a name of its own borrows that above it."""
    parts = [part for part in data_type.split(".") if part not in _WAYS]
    for length in range(len(parts), 0, -1):
        known = _KINDS.get(".".join(parts[:length]))
        if known is None:
            continue
        if length == len(parts):
            return known
        rest = " ".join(parts[length:]).replace("_", " ")
        whole = ".".join(parts)
        return Kind(whole, f"{known.name}: {rest}", f"{known.one} ({rest})", known.icon)
    words = " ".join(parts).replace("_", " ")
    return Kind(".".join(parts), words.capitalize(), words.capitalize(), "file")


def kinds_beneath(types: Iterable[str]) -> list[tuple[Kind, int]]:
    """Return all kinds of some data types with how deep each lies, those above before theirs."""
    found: set[str] = set()
    for data_type in types:
        parts = [part for part in data_type.split(".") if part not in _WAYS]
        found.update(".".join(parts[:length]) for length in range(1, len(parts) + 1))
    return [(kind_of(one), one.count(".")) for one in sorted(found)]


def kinds_counted(types: Iterable[tuple[str, int]]) -> list[tuple[Kind, int]]:
    """Return the kinds of some data types with how much there is, the most first.

    What was sent and what was received of a kind is counted together.
    """
    found = Counter[Kind]()
    for data_type, number in types:
        found[kind_of(data_type)] += number
    return found.most_common()
