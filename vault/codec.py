"""Events to bytes and back, under topics that we own.

A topic (`item.collected/1`) never is a Python path, so classes may move. What an earlier
release wrote is decoded as it stands and upcast, so followers know today's classes only. An
unknown topic decodes to None: such entries are kept, verified and skipped, never dropped.
"""

from collections.abc import Callable

import msgspec

from vault import events as e
from vault.upcasts import EARLIER, ItemCollected1

__all__ = ["TOPICS", "UNDECODABLE", "decode", "decoder", "encode", "topic_of", "topics_of"]

TOPICS: dict[str, type[e.Event]] = {
    "owner.named/1": e.OwnerNamed,
    "item.collected/2": e.ItemCollected,
    "item.revised/2": e.ItemRevised,
    "content.collected/1": e.ContentCollected,
    "item.erased/2": e.ItemErased,
    "import.finished/2": e.ImportFinished,
    "consent.given/1": e.ConsentGiven,
    "consent.prohibited/1": e.ConsentProhibited,
    "consent.withdrawn/1": e.ConsentWithdrawn,
    "consent.observed/1": e.ConsentObserved,
    "use.paused/1": e.UsePaused,
    "use.resumed/1": e.UseResumed,
    "retention.set/1": e.RetentionSet,
    "person.merged/1": e.PersonMerged,
    "person.split/1": e.PersonSplit,
    "person.related/1": e.PersonRelated,
    "correction.made/1": e.CorrectionMade,
    "label.corrected/1": e.LabelCorrected,
    "pair.reviewed/1": e.PairReviewed,
    "view.defined/1": e.ViewDefined,
    "view.dropped/1": e.ViewDropped,
    "feedback.given/1": e.FeedbackGiven,
    "model.trained/2": e.ModelTrained,
    "model.suspended/1": e.ModelSuspended,
    "model.retrained/2": e.ModelRetrained,
    "model.preferred/1": e.ModelPreferred,
    "model.retired/1": e.ModelRetired,
    "disclosed/1": e.Disclosed,
    "pod.linked/1": e.PodLinked,
    "device.enrolled/1": e.DeviceEnrolled,
    "device.revoked/2": e.DeviceRevoked,
    "keys.rotated/1": e.KeysRotated,
}

_topic_of = {event_class: topic for topic, event_class in TOPICS.items()}
_encoder = msgspec.msgpack.Encoder(order="deterministic")
_decoders = {topic: msgspec.msgpack.Decoder(cls) for topic, cls in TOPICS.items()}
_earlier = {topic: msgspec.msgpack.Decoder(cast.old) for topic, cast in EARLIER.items()}

UNDECODABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding may raise; the second one carries the bytes, so none of it is to be passed on."""


def topic_of(event: e.Event) -> str:
    """Return the topic under which an event is stored."""
    return _topic_of[type(event)]


def topics_of(event_class: type[e.Event]) -> tuple[str, ...]:
    """Return every topic under which events of a class stand in logs, earlier ones first."""
    earlier = (topic for topic, cast in EARLIER.items() if cast.event is event_class)
    return (*sorted(earlier), _topic_of[event_class])


def encode(event: e.Event | ItemCollected1) -> bytes:
    """Return the canonical bytes of an event, or of what an item is known by."""
    return _encoder.encode(event)


def decoder(topic: str) -> Callable[[bytes], e.Event | None]:
    """Return what decodes the bodies under a topic, for many of them.

    What it is given and is not an event raises one of `UNDECODABLE`.
    """
    if found := _decoders.get(topic):
        return found.decode
    if found := _earlier.get(topic):
        earlier, renew = found.decode, EARLIER[topic].renew
        return lambda body: renew(earlier(body))
    return lambda _: None


def decode(topic: str, body: bytes) -> e.Event | None:
    """Return the event as its class is today, or None where the topic is unknown.

    Raises:
        msgspec.DecodeError: The bytes are not an event of this topic.
    """
    try:
        return decoder(topic)(body)
    except (UnicodeDecodeError, RecursionError):
        # The library lets these two through, and the first one carries the bytes.
        raise msgspec.DecodeError("The body is no text, or nests too deep.") from None
