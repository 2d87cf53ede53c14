"""Events to bytes and back, under topics that we own.

A topic (`item.collected/1`) never is a Python path, so classes may move. An unknown topic
decodes to None: such entries are kept, verified and skipped, never dropped.
"""

import msgspec

from vault import events as e

__all__ = ["TOPICS", "decode", "encode", "topic_of"]

TOPICS: dict[str, type[e.Event]] = {
    "owner.named/1": e.OwnerNamed,
    "item.collected/1": e.ItemCollected,
    "item.revised/1": e.ItemRevised,
    "item.erased/1": e.ItemErased,
    "import.finished/1": e.ImportFinished,
    "consent.given/1": e.ConsentGiven,
    "consent.prohibited/1": e.ConsentProhibited,
    "consent.withdrawn/1": e.ConsentWithdrawn,
    "consent.observed/1": e.ConsentObserved,
    "correction.made/1": e.CorrectionMade,
    "feedback.given/1": e.FeedbackGiven,
    "model.trained/1": e.ModelTrained,
    "model.suspended/1": e.ModelSuspended,
    "model.retrained/1": e.ModelRetrained,
    "disclosed/1": e.Disclosed,
    "pod.linked/1": e.PodLinked,
    "device.enrolled/1": e.DeviceEnrolled,
    "device.revoked/1": e.DeviceRevoked,
}

_topic_of = {event_class: topic for topic, event_class in TOPICS.items()}
_encoder = msgspec.msgpack.Encoder(order="deterministic")
_decoders = {topic: msgspec.msgpack.Decoder(cls) for topic, cls in TOPICS.items()}


def topic_of(event: e.Event) -> str:
    """Return the topic under which an event is stored."""
    return _topic_of[type(event)]


def encode(event: e.Event) -> bytes:
    """Return the canonical bytes of an event."""
    return _encoder.encode(event)


def decode(topic: str, body: bytes) -> e.Event | None:
    """Return the event, or None where the topic is unknown to this version.

    Raises:
        msgspec.DecodeError: The bytes are not an event of this topic.
    """
    decoder = _decoders.get(topic)
    return decoder.decode(body) if decoder else None
