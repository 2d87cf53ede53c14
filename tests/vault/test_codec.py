"""Events to bytes and back, and what earlier releases wrote."""

import msgspec
import pytest

from vault import events as e
from vault.codec import TOPICS, decode, encode, topic_of, topics_of
from vault.upcasts import EARLIER

# As the release 0.1.0 wrote it.
ERASED = bytes.fromhex(
    "82a86974656d5f69647391a7616263642d3132a66d61736b65649183"
    "a6646967657374c4020102a6706572736f6ec40103a470617274a577686f6c65"
)


def test_an_erasure_of_the_first_release_reads_as_one_that_was_asked_for():
    assert decode("item.erased/1", ERASED) == e.ItemErased(
        item_ids=("abcd-12",),
        masked=(e.MaskedAlias(digest=b"\1\2", person=b"\3", part="whole"),),
        cause="asked",
    )


def test_a_revocation_without_a_size_lets_nothing_of_the_device_count():
    old = msgspec.msgpack.encode({"device": "ab", "certificate": b"c"})
    assert decode("device.revoked/1", old) == e.DeviceRevoked(device="ab", size=0, certificate=b"c")


def test_what_is_read_under_an_earlier_topic_is_written_under_the_newest():
    event = decode("item.erased/1", ERASED)
    assert topic_of(event) == "item.erased/2"
    assert decode("item.erased/2", encode(event)) == event
    assert topics_of(e.ItemErased) == ("item.erased/1", "item.erased/2")
    assert topics_of(e.OwnerNamed) == ("owner.named/1",)


@pytest.mark.parametrize("topic", EARLIER)
def test_an_earlier_topic_is_never_written_and_has_a_newer_version(topic):
    assert topic not in TOPICS
    name, _, version = topic.partition("/")
    newest = topic_of_class(EARLIER[topic].event)
    assert newest.partition("/")[0] == name
    assert int(newest.partition("/")[2]) > int(version)
    assert not issubclass(EARLIER[topic].old, e.Event)


def topic_of_class(event_class):
    return next(topic for topic, one in TOPICS.items() if one is event_class)


def test_bytes_that_are_no_event_of_their_topic_are_refused():
    for topic in ("item.erased/1", "item.erased/2"):
        with pytest.raises(msgspec.DecodeError):
            decode(topic, b"\x80")


def test_an_unknown_topic_is_nothing():
    assert decode("item.erased/3", ERASED) is None
