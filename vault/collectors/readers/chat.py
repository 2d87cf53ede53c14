"""What chats have in common: four data types, and whose words they are."""

from vault.consent import normal

__all__ = ["TYPES", "is_owner", "type_of"]

_BY_WAY = {
    (is_direct, is_sent): f"message.chat.{'direct' if is_direct else 'group'}."
    f"{'sent' if is_sent else 'received'}"
    for is_direct in (True, False)
    for is_sent in (True, False)
}

TYPES = frozenset(_BY_WAY.values())
"""Every data type of a chat."""


def type_of(*, is_direct: bool, is_sent: bool) -> str:
    """Return the data type of a message."""
    return _BY_WAY[is_direct, is_sent]


def is_owner(me: frozenset[str], *names: str | None) -> bool:
    """Whether one of the names, addresses or ids of an account is one of the owner's."""
    return any(name and normal(name) in me for name in names)
