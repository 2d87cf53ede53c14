"""What parent and child of a training run say to each other: framed msgpack over pipes.

Each frame is eight bytes of length and one tagged message. The child is given rows, one
batch at a time, and gives back numbers and weights; neither side opens a socket or a file.
"""

from typing import IO, TypeVar

import msgspec

from projections.rows import Message

__all__ = [
    "Begin",
    "Example",
    "Failed",
    "Finish",
    "Held",
    "Hold",
    "Learn",
    "Learned",
    "Measure",
    "Measured",
    "Ready",
    "Reply",
    "Request",
    "Sample",
    "Sampled",
    "Slice",
    "State",
    "receive",
    "send",
]

_LENGTH = 8
_T = TypeVar("_T")


class Example(msgspec.Struct, frozen=True, array_like=True):
    """The messages of one row; the last is the reply to learn."""

    messages: tuple[Message, ...]


class Begin(msgspec.Struct, frozen=True, tag=True):
    """Build the model that the recipe starts from."""

    recipe: str
    environment: str
    digest: str
    path: str


class Slice(msgspec.Struct, frozen=True, tag=True):
    """Begin a slice: a fresh optimizer, on given weights (empty: those there are).

    `held` is what `Held` gave in the middle of the slice: it goes on from there instead.
    `noise` is the key of the slice's noise, where the recipe asks for some; `common` are the
    words that are learned as themselves, where it asks that rare ones are not.
    """

    number: int
    steps: int
    weights: bytes = b""
    held: bytes = b""
    noise: bytes = b""
    common: tuple[str, ...] = ()


class Learn(msgspec.Struct, frozen=True, tag=True):
    """Take one step on the batches that are accumulated for it."""

    batches: tuple[tuple[Example, ...], ...]


class Hold(msgspec.Struct, frozen=True, tag=True):
    """Give everything that the rest of the slice depends on."""


class Sample(msgspec.Struct, frozen=True, tag=True):
    """Answer instead of the last message of each row."""

    batch: tuple[Example, ...]


class Finish(msgspec.Struct, frozen=True, tag=True):
    """Give back the trained weights."""


class Measure(msgspec.Struct, frozen=True, tag=True):
    """Tell the loss on rows without learning from them."""

    batch: tuple[Example, ...]


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The model is built; `parameters` of its weights are trained."""

    parameters: int


class Learned(msgspec.Struct, frozen=True, tag=True):
    """A step was taken: its mean loss on `tokens` learned ones of the `read` ones.

    `memory` is the most that the child ever held, in bytes.
    """

    loss: float
    tokens: int
    read: int
    rate: float
    memory: int


class Held(msgspec.Struct, frozen=True, tag=True):
    """Weights, optimizers, random numbers and step as safetensors."""

    body: bytes


class Sampled(msgspec.Struct, frozen=True, tag=True):
    """What the model said."""

    said: tuple[str, ...]


class State(msgspec.Struct, frozen=True, tag=True):
    """Trained weights as safetensors, and the digest of the tensors."""

    weights: bytes
    digest: str


class Measured(msgspec.Struct, frozen=True, tag=True):
    """Bits that the replies cost, and how many bytes of text they are."""

    bits: float
    size: int


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The child cannot go on; `reason` never holds content."""

    kind: str
    reason: str


Request = Begin | Slice | Learn | Hold | Sample | Finish | Measure
Reply = Ready | Learned | Held | Sampled | State | Measured | Failed

_encoder = msgspec.msgpack.Encoder()


def send(pipe: IO[bytes], message: Request | Reply) -> None:
    """Write one message and flush it."""
    body = _encoder.encode(message)
    pipe.write(len(body).to_bytes(_LENGTH, "big"))
    pipe.write(body)
    pipe.flush()


def receive(pipe: IO[bytes], decoder: msgspec.msgpack.Decoder[_T]) -> _T | None:
    """Read one message; None at the end of the pipe, even in the middle of a frame."""
    head = pipe.read(_LENGTH)
    if len(head) < _LENGTH:
        return None
    size = int.from_bytes(head, "big")
    body = pipe.read(size)
    return decoder.decode(body) if len(body) == size else None
