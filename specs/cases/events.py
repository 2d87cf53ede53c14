"""Bodies of entries: every topic as MessagePack, right and wrong. event-format.md, section 1."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from cases import MALFORMED, SUCCESS, Case, seed

__all__ = ["FULL", "body_of", "cases"]

_SCHEMAS = Path(__file__).parents[1] / "schemas"
_AT = datetime(2024, 2, 29, 23, 59, 59, 123456, tzinfo=UTC)

_BEX = {"id": "name:Bex Stone", "name": "Bex Stone"}
_ATTACHMENT = {"name": "lamp.jpg", "media_type": "image/jpeg", "size": 1 << 40, "sha256": "ab" * 32}
_ITEM = {
    "source": "mbox",
    "native_id": "<1@lighthouse.example>",
    "type": "message.email.sent",
    "at": _AT,
    "offset": -210,
    "precision": "min",
    "assumed": True,
    "author": {"id": "mailto:mara@lighthouse.example", "name": ""},
    "to": [_BEX, {"id": "tel:+441234567", "name": "Ned"}],
    "conversation": "<0@lighthouse.example>",
    "reply_to": "<0@lighthouse.example>",
    "title": "Re: the lamp, and ☕",
    "text": "Mended.\n\n> Is it?\nÉté, 灯台",
    "text_new": "Mended.",
    "language": "en",
    "labels": ["health"],
    "tags": ["Inbox", "the lamp/☕"],
    "attachments": [_ATTACHMENT],
    "locator": "mail.zip!all.mbox#4096",
}
_ITEM_1 = {name: said for name, said in _ITEM.items() if name != "tags"}
_CONTENT = {"sha256": "ab" * 32, "part": 1, "parts": 3, "data": seed("data", 40)}
_FINISHED = {
    "read": 9,
    "collected": 5,
    "duplicates": 1,
    "bad_reasons": [["No time.", 2], ["No author.", 1]],
    "bad": [{"locator": "chat.txt#99", "reason": "No time."}],
    "first_at": _AT,
    "last_at": _AT,
}
_STATEMENT = {
    "id": "00" * 16,
    "effect": "allow",
    "type": "message.chat",
    "purpose": "share",
    "filters": {
        "source": "whatsapp",
        "conversation": "a chat",
        "person": "bex stone",
        "since": _AT,
        "until": _AT.replace(year=2025, day=28),
    },
    "redact": "names-only",
    "recipient": "https://reader.example/",
    "expires": _AT.replace(year=2099, day=1),
}
_MASKED = {"digest": seed("alias", 16), "person": seed("person", 16), "part": "first"}
_SLICE = {"name": "0001", "state": "23" * 32, "rows": 5}
_MANIFEST = {
    "model": "lamp",
    "kind": "adapter",
    "base": "cd" * 32,
    "base_path": "bases/small",
    "recipe": '{"epochs":2}',
    "environment": "{}",
    "position": 12,
    "checkpoint": "ef" * 32,
    "rows": 1 << 33,
    "rows_root": "01" * 32,
    "statements": ["00" * 16],
    "slices": [_SLICE],
    "weights": "45" * 32,
    "metrics": [["loss", 1.25], ["words a second", 1e300]],
    "items": 9,
    "items_root": "67" * 32,
}
_MANIFEST_1 = {name: said for name, said in _MANIFEST.items() if "items" not in name}
_PAUSE = {"id": "0a" * 16, "type": "message", "source": "mbox", "person": "bex stone"}
_KEY, _SIGNATURE = seed("public key"), seed("signature", 64)

FULL: Mapping[str, Mapping[str, Any]] = {
    "owner.named/1": {"names": ["Mara", "mara@lighthouse.example"]},
    "item.collected/1": {"item": _ITEM_1},
    "item.collected/2": {"item": _ITEM},
    "item.revised/1": {"item_id": "0123456789abcdef-7", "item": _ITEM_1},
    "item.revised/2": {"item_id": "0123456789abcdef-7", "item": _ITEM},
    "content.collected/1": {"content": _CONTENT},
    "item.erased/1": {"item_ids": ["0123456789abcdef-7"], "masked": [_MASKED]},
    "item.erased/2": {
        "item_ids": ["0123456789abcdef-7"],
        "masked": [_MASKED],
        "cause": "retention",
    },
    "import.finished/1": {"source": "mbox, whatsapp", "locator": "exports/first", **_FINISHED},
    "import.finished/2": {
        "locator": "first",
        **_FINISHED,
        "path": "exports/first",
        "sources": [["mbox", 1], ["whatsapp", 3]],
        "asked": "mbox",
        "retried": "0123456789abcdef-7",
    },
    "consent.given/1": {"statement": _STATEMENT},
    "consent.prohibited/1": {"statement": _STATEMENT, "masked": [_MASKED]},
    "consent.withdrawn/1": {"statement": _STATEMENT, "masked": [_MASKED]},
    "consent.observed/1": {
        "statement": _STATEMENT,
        "document": "https://pod.example/consent.ttl",
        "digest": seed("document"),
    },
    "use.paused/1": {"pause": _PAUSE, "masked": [_MASKED]},
    "use.resumed/1": {"pause": _PAUSE},
    "retention.set/1": {"type": "message.chat", "days": 365},
    "person.merged/1": {"people": [seed("identity", 16), seed("another identity", 16)]},
    "person.split/1": {
        "people": [seed("identity", 16)],
        "others": [seed("another identity", 16)],
        "masked": [_MASKED],
    },
    "person.related/1": {"people": [seed("identity", 16)], "relation": "old friend"},
    "correction.made/1": {"item_id": "0123456789abcdef-7", "text": "It was mended."},
    "label.corrected/1": {"item_id": "0123456789abcdef-7", "label": "health", "holds": False},
    "pair.reviewed/1": {
        "pair": "0123456789abcdef0123456789abcdef",
        "item_ids": ["0123456789abcdef-7"],
        "verdict": "edited",
        "prompt": "How is the lamp?",
        "answer": "It was mended.",
    },
    "view.defined/1": {
        "name": "garden",
        "types": ["message", "document.note"],
        "filters": _STATEMENT["filters"],
        "words": "garden",
        "mine": True,
        "most": 500,
        "balance": ["source"],
        "augment": True,
    },
    "view.dropped/1": {"name": "garden"},
    "feedback.given/1": {
        "model": "lamp",
        "prompt": "How are you?",
        "answer": "Fine.",
        "better": "Well.",
        "good": False,
    },
    "model.trained/1": {"manifest": _MANIFEST_1, "signature": _SIGNATURE},
    "model.trained/2": {"manifest": _MANIFEST, "signature": _SIGNATURE},
    "model.suspended/1": {"model": "lamp", "rows": 3, "cause": "withdrawn"},
    "model.retrained/1": {
        "manifest": _MANIFEST_1,
        "signature": _SIGNATURE,
        "replaces": "lamp",
        "replayed_slices": 1,
        "identical_to_clean_run": True,
    },
    "model.retrained/2": {
        "manifest": _MANIFEST,
        "signature": _SIGNATURE,
        "replaces": "lamp",
        "replayed_slices": 1,
        "identical_to_clean_run": True,
    },
    "model.preferred/1": {"model": "lamp"},
    "model.retired/1": {"model": "lamp"},
    "disclosed/1": {"recipient": "urn:x", "what": "rows", "items": 2, "statement": "00" * 16},
    "pod.linked/1": {"url": "https://pod.example/", "webid": "https://pod.example/#me"},
    "device.enrolled/1": {
        "device": _KEY[:8].hex(),
        "name": "a telephone",
        "public_key": _KEY,
        "certificate": _SIGNATURE,
    },
    "device.revoked/1": {"device": _KEY[:8].hex(), "certificate": _SIGNATURE},
    "device.revoked/2": {"device": _KEY[:8].hex(), "size": 7, "certificate": _SIGNATURE},
    "keys.rotated/1": {
        "part": "owner",
        "generation": 2,
        "public_key": _KEY,
        "certificate": _SIGNATURE,
    },
}
"""One event of every topic with a value in every field."""


def _tagged(event: Mapping[str, Any]) -> dict[str, Any]:
    return {**event, "item": {**event["item"], "tags": []}}


def _with_items(event: Mapping[str, Any]) -> dict[str, Any]:
    return {**event, "manifest": {**event["manifest"], "items": 0, "items_root": ""}}


def _of_sources(event: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: said for name, said in event.items() if name != "source"}
    sources = [[name, 0] for name in event["source"].split(", ")]
    return {**kept, "sources": sources, "path": "", "asked": "", "retried": ""}


_EARLIER: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]]] = {
    "item.collected/1": ("item.collected/2", _tagged),
    "item.revised/1": ("item.revised/2", _tagged),
    "item.erased/1": ("item.erased/2", lambda event: {**event, "cause": "asked"}),
    "import.finished/1": ("import.finished/2", _of_sources),
    "device.revoked/1": ("device.revoked/2", lambda event: {**event, "size": 0}),
    "model.trained/1": ("model.trained/2", _with_items),
    "model.retrained/1": ("model.retrained/2", _with_items),
}
"""Topics that are read and not written any more: what each is today, and how it reads there."""


def body_of(event: Mapping[str, Any]) -> bytes:
    """Return an event as it is sealed."""
    return msgspec.msgpack.encode(event)


def cases() -> Iterator[Case]:
    """All cases of this part."""
    for topic, event in FULL.items():
        schema = json.loads((_SCHEMAS / f"{topic.replace('/', '.')}.json").read_text("utf-8"))
        yield from _of_topic(topic, event, schema)
    yield from _written_otherwise()
    yield from _wrong_values()
    yield from _unknown()


def _case(
    topic: str, name: str, comment: str, body: bytes, event: Mapping[str, Any] | None = None
) -> Case:
    fields: dict[str, str] = {"topic": topic}
    if event is not None:
        newest, today = _EARLIER.get(topic, (topic, dict))
        fields["newest"] = newest
        fields["event"] = msgspec.json.encode(today(event), order="sorted").decode()
    return Case(
        family="event",
        name=f"{topic.replace('/', '-')}-{name}",
        comment=comment,
        expect=MALFORMED if event is None else SUCCESS,
        fields=fields,
        body=body,
    )


def _of_topic(topic: str, event: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Case]:
    """Cases that every topic has."""
    kind = schema["$defs"][schema["$ref"].rpartition("/")[2]]
    required = kind["required"]
    least = {name: _least(event[name], kind["properties"][name], schema) for name in required}
    filled = {
        name: _filled(least.get(name), part, schema) for name, part in kind["properties"].items()
    }
    yield _case(topic, "full", "a value in every field", body_of(event), event)
    yield _case(topic, "least", "only what must be there", body_of(least), filled)
    first = required[0]
    missing = {name: value for name, value in event.items() if name != first}
    yield _case(topic, "missing", f"no {first}", body_of(missing))
    yield _case(topic, "wrong", f"a number as {first}", body_of({**event, first: 1.5}))
    yield _case(topic, "null", f"nothing as {first}", body_of({**event, first: None}))
    yield _case(topic, "cut", "the last byte is missing", body_of(event)[:-1])


def _definition(part: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a part of a schema refers to."""
    found = schema["$defs"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part
    assert isinstance(found, Mapping)
    return found


def _least(value: object, part: Mapping[str, Any], schema: Mapping[str, Any]) -> object:
    """Return a value with what it must have and no more."""
    kind = _definition(part, schema)
    if isinstance(value, Mapping):
        return {n: _least(value[n], kind["properties"][n], schema) for n in kind["required"]}
    if isinstance(value, list) and "items" in kind:
        return [_least(each, kind["items"], schema) for each in value]
    return value


def _filled(value: object, part: Mapping[str, Any], schema: Mapping[str, Any]) -> object:
    """Return a value with the defaults of whatever it leaves out."""
    kind = _definition(part, schema)
    if value is None:
        value = part.get("default", {} if kind.get("type") == "object" else None)
    if isinstance(value, Mapping):
        return {n: _filled(value.get(n), p, schema) for n, p in kind["properties"].items()}
    if isinstance(value, list) and kind.get("items"):
        return [_filled(each, kind["items"], schema) for each in value]
    return value


def _written_otherwise() -> Iterator[Case]:
    """MessagePack that this program does not write, and a reader takes all the same."""
    topic, event = "device.revoked/2", FULL["device.revoked/2"]
    turned = dict(reversed(event.items()))
    yield _case(topic, "turned", "the fields in another order", body_of(turned), event)
    more = {**event, "more": [1, {"a": None}]}
    yield _case(topic, "more", "a field that nobody knows is skipped", body_of(more), event)
    name = b"\xd9\x04size"
    long = body_of(event).replace(b"\xa4size\x07", name + b"\xcf" + (7).to_bytes(8, "big"))
    yield _case(topic, "long", "longer forms of a text and of a number", long, event)
    wide = b"\xdf\x00\x00\x00\x03" + body_of(event)[1:]
    yield _case(topic, "wide", "the longest form of a map", wide, event)
    signed = body_of(event).replace(b"\xa4size\x07", b"\xa4size\xd3" + (7).to_bytes(8, "big"))
    yield _case(topic, "signed", "a number in a signed form", signed, event)
    trained = {**_MANIFEST, "metrics": [["loss", 1]]}
    whole = {"manifest": trained, "signature": b""}
    floats = {"manifest": {**trained, "metrics": [["loss", 1.0]]}, "signature": b""}
    yield _case("model.trained/2", "whole", "a whole number for a fraction", body_of(whole), floats)


def _wrong_values() -> Iterator[Case]:
    """Values that do not fit their fields, deeper down."""

    def case(topic: str, name: str, comment: str, event: object) -> Case:
        return _case(topic, name, comment, msgspec.msgpack.encode(event))

    item, given = "item.collected/2", "consent.given/1"
    for name, comment, changed in (
        ("precision", "a precision that does not exist", {"precision": "year"}),
        ("offset-fraction", "an offset that is no whole number", {"offset": 1.5}),
        ("offset-text", "an offset as a text", {"offset": "60"}),
        ("assumed-number", "a number for yes", {"assumed": 1}),
        ("time-number", "a time as a number", {"at": 1_740_816_000}),
        ("time-bytes", "a time as bytes", {"at": bytes(8)}),
        ("author-text", "an author as a text", {"author": "Mara"}),
        ("author-empty", "an author without an id", {"author": {"name": "Mara"}}),
        ("to-one", "one recipient where there is a list", {"to": _BEX}),
        ("labels-text", "one label where there is a list", {"labels": "health"}),
        ("labels-number", "a label that is a number", {"labels": [1]}),
        ("tags-null", "tags that are nothing", {"tags": None}),
        ("text-bytes", "a text as bytes", {"text": b"Mended."}),
        ("text-null", "a text that is nothing", {"text": None}),
        (
            "attachment-size",
            "a size that is a text",
            {"attachments": [{**_ATTACHMENT, "size": "1"}]},
        ),
        ("attachment-short", "an attachment without a digest", {"attachments": [{"name": "a"}]}),
    ):
        yield case(item, name, comment, {"item": {**_ITEM, **changed}})
    for name, comment, changed in (
        ("effect", "an effect that does not exist", {"effect": "maybe"}),
        ("purpose", "a purpose that does not exist", {"purpose": "sell"}),
        ("purpose-case", "a purpose in upper case", {"purpose": "TRAIN"}),
        ("redact", "a profile that does not exist", {"redact": "some"}),
        ("filters", "filters as a list", {"filters": []}),
        ("filters-null", "filters that are nothing", {"filters": None}),
        ("since", "a time that is no time", {"filters": {"since": "yesterday"}}),
    ):
        yield case(given, name, comment, {"statement": {**_STATEMENT, **changed}})
    yield case(item, "list", "a list of values without names", [_ITEM])
    yield case(item, "text", "a text", "Mended.")
    yield case(item, "nothing", "nothing", None)
    yield _case(item, "empty", "no byte at all", b"")
    yield _case(item, "behind", "a byte behind the event", body_of({"item": _ITEM}) + b"\xc0")
    yield _case(
        item,
        "not-utf-8",
        "a text that is not UTF-8",
        body_of({"item": _ITEM}).replace(b"\xc3\x89", b"\xc3\x28"),
    )
    yield _case(item, "forbidden", "the byte that MessagePack never uses", b"\xc1")
    yield _case(
        item,
        "number-key",
        "a field named by a number",
        body_of({"item": _ITEM}).replace(b"\xa4item", b"\x07", 1),
    )
    yield _case(item, "huge-map", "a map that promises what does not come", b"\xdf\xff\xff\xff\xff")
    yield _case(item, "deep", "arrays in arrays without an end", b"\x91" * 3000)
    revoked = {**FULL["device.revoked/2"]}
    yield case(
        "device.revoked/2", "size-fraction", "a number with a fraction", {**revoked, "size": 7.5}
    )
    yield case("device.revoked/2", "size-truth", "yes for a number", {**revoked, "size": True})
    yield case(
        "device.revoked/2",
        "certificate-text",
        "a text for bytes",
        {**revoked, "certificate": "AAAA"},
    )
    finished = FULL["import.finished/2"]
    yield case(
        "import.finished/2",
        "reasons-one",
        "a reason without its number",
        {**finished, "bad_reasons": [["No time."]]},
    )
    yield case(
        "import.finished/2",
        "reasons-three",
        "a reason with two numbers",
        {**finished, "bad_reasons": [["No time.", 1, 2]]},
    )
    yield case(
        "import.finished/2",
        "reasons-map",
        "reasons as a map",
        {**finished, "bad_reasons": {"No time.": 1}},
    )


def _unknown() -> Iterator[Case]:
    for name, topic in (
        ("later", "item.collected/3"),
        ("earlier", "item.collected/0"),
        ("other", "from.the.future/9"),
        ("bare", "item.collected"),
        ("case", "Item.Collected/2"),
        ("space", "item.collected/2 "),
        ("empty", ""),
        ("checkpoint", "checkpoint/1"),
    ):
        for part, body in (("body", body_of(FULL["item.collected/2"])), ("bytes", b"\xc1\xff")):
            yield Case(
                family="event",
                name=f"unknown-{name}-{part}",
                comment="a topic that nobody knows is skipped, whatever its body",
                expect="unknown",
                fields={"topic": topic},
                body=body,
            )
