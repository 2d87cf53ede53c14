"""Every vector in `specs/vectors` is read by the program and by the second reader, as it says."""

import json
import runpy
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests import second_mirror
from tests import second_reader as second
from vault import codec, errors
from vault.log import (
    certificate,
    checkpoint,
    envelope,
    keys,
    merkle,
    mirror,
    owner,
    passphrase,
    pin,
    planning,
    proof,
    segment,
    verify,
)
from vault.log.identity import Identity

SPECS = Path(__file__).parents[1] / "specs"
VECTORS = SPECS / "vectors"
PATHS = sorted(path.relative_to(VECTORS) for path in VECTORS.rglob("*.txt"))

REASONS: dict[type[Exception], str] = {
    errors.BadSignature: "bad signature",
    errors.RootMismatch: "wrong root",
    errors.RolledBack: "rolled back",
    errors.TamperError: "malformed",
    errors.ForeignVault: "foreign",
    errors.Locked: "wrong secret",
    InvalidTag: "wrong key",
    msgspec.ValidationError: "malformed",
    msgspec.DecodeError: "malformed",
}


@dataclass(frozen=True)
class Vector:
    """A file taken apart: what is expected, the other fields, the bytes."""

    expect: str
    fields: dict[str, str]
    body: bytes

    @classmethod
    def read(cls, path: Path) -> "Vector":
        head, _, body = path.read_bytes().partition(b"\n\n")
        fields = dict(line.split(":", 1) for line in head.decode().splitlines())
        fields = {name: value.strip() for name, value in fields.items()}
        assert fields.pop("comment")
        if fields.pop("body", "") == "hex":
            body = bytes.fromhex(body.decode())
        return cls(fields.pop("expect"), fields, body)

    @property
    def records(self) -> list[tuple[int, str, str, bytes]]:
        """The rows of a log: position, type, tags, data."""
        rows = [line.split(" ") for line in self.body.decode().splitlines()]
        return [(i, one, tags, bytes.fromhex(data)) for i, (one, tags, data) in enumerate(rows, 1)]

    def hex(self, name: str) -> bytes:
        return bytes.fromhex(self.fields[name])

    def number(self, name: str) -> int:
        return int(self.fields[name])

    def string(self, name: str) -> str:
        return str(json.loads(self.fields[name]))

    def hashes(self, name: str) -> list[bytes]:
        return [bytes.fromhex(one) for one in self.fields[name].split()]


class Wrong(Exception):
    """What is told by a value: no key, no proof; and what could be read all the same."""

    def __init__(self, reason: str, values: dict[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.values = values or {}


def holds(good: bool, reason: str) -> dict[str, Any]:
    if not good:
        raise Wrong(reason)
    return {}


# What the program makes of each family


def recovery_key(vector: Vector) -> dict[str, Any]:
    key = passphrase.recovery_bytes(vector.string("typed"))
    holds(key is not None, "no key")
    return {"key": key}


def a_passphrase(vector: Vector) -> dict[str, Any]:
    costs = {name: vector.number(name) for name in ("memory", "passes", "lanes")}
    stretch = passphrase.Stretch(**costs)
    return {"key": stretch.key(vector.string("passphrase"), vector.hex("salt"))}


def identity(vector: Vector) -> dict[str, Any]:
    stated = Identity.decode(vector.body)
    opened = owner.unlock(stated, vector.string("secret"))
    device = opened.device(stated.device)
    return {"owner-key": opened.key, "device": device.private_bytes_raw()}


def derived(vector: Vector) -> dict[str, Any]:
    return {"derived": owner.expand(vector.hex("key"), vector.string("label"))}


def blinded(vector: Vector) -> dict[str, Any]:
    return {"blinded": keys.Blinder(vector.hex("key"))(vector.hex("text"))}


def handover(vector: Vector) -> dict[str, Any]:
    stated = Identity(
        vault="",
        generation=vector.number("generation"),
        salt=b"",
        passphrase=b"",
        recovery=b"",
        owner=vector.hex("new"),
        handover=vector.hex("signature"),
    )
    owner.check_handover(Ed25519PublicKey.from_public_bytes(vector.hex("old")), stated)
    return {}


def entry(vector: Vector) -> dict[str, Any]:
    """An entry as a verifier and then a reader take it: its place, its hash, its key."""
    found = envelope.parse(1, vector.body)
    holds(not found.body or sha256(found.body).digest() == found.head[-32:], "body changed")
    stated = {name.replace("_", "-"): value for name, value in found.header._asdict().items()}
    stated |= {"tag": found.header.tags[0], "leaf": merkle.leaf_hash(found.head)}
    if not found.body:
        raise Wrong("erased", stated)
    return stated | {"plain": envelope.open_body(vector.hex("key"), found.signed, found.body)}


def event(vector: Vector) -> dict[str, Any]:
    found = codec.decode(vector.string("topic"), vector.body)
    if found is None:
        raise Wrong("unknown")
    return {"newest": codec.topic_of(found), "event": in_json(found)}


def in_json(value: object) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


def tree(vector: Vector) -> dict[str, Any]:
    frontier = merkle.Frontier()
    frontier.extend(vector.hashes("leaves"))
    return {"root": frontier.root(), "edge": frontier.hashes}


def inclusion(vector: Vector) -> dict[str, Any]:
    leaf, index, size = vector.hex("leaf"), vector.number("index"), vector.number("size")
    proof, root = vector.hashes("proof"), vector.hex("root")
    return holds(merkle.verify_inclusion(leaf, index, size, proof, root), "wrong proof")


def consistency(vector: Vector) -> dict[str, Any]:
    sizes = vector.number("old-size"), vector.number("new-size")
    roots = vector.hex("old-root"), vector.hex("new-root")
    return holds(merkle.verify_consistency(*sizes, *roots, vector.hashes("proof")), "wrong proof")


def a_checkpoint(vector: Vector) -> dict[str, Any]:
    stated = checkpoint.parse(
        vector.body, Ed25519PublicKey.from_public_bytes(vector.hex("public-key"))
    )
    return {"size": stated.size, "root": stated.root, "time": stated.time}


def note(vector: Vector) -> dict[str, Any]:
    stated = checkpoint.parse_note(
        vector.body, Ed25519PublicKey.from_public_bytes(vector.hex("public-key"))
    )
    return {"size": stated.size, "root": stated.root, "time": stated.time}


def a_certificate(vector: Vector) -> dict[str, Any]:
    stated = certificate.Certificate(
        vector.hex("public-key"), vector.number("most"), vector.hex("signature")
    )
    stated.check(Ed25519PublicKey.from_public_bytes(vector.hex("owner")))
    return {}


def a_log(vector: Vector) -> dict[str, Any]:
    """The leaves that count, in merged order."""
    devices = {}
    for one in vector.hashes("devices"):
        device = certificate.Certificate.decode(one)
        assert device.encode() == one
        device.check(Ed25519PublicKey.from_public_bytes(vector.hex("owner")))
        devices[device.feed] = device
    pages = list(verify.walk(vector.records, keys_of(devices), verify.Place()))
    counting = [p for p in pages if p.trail.frontier.size <= devices[p.feed].most]
    counting.sort(key=lambda page: (page.trail.time, page.feed))
    records = [data for page in counting for _, data in page.records]
    return {"leaves": [merkle.leaf_hash(data[: 70 + data[1] + 32]) for data in records]}


def keys_of(devices: dict[bytes, certificate.Certificate]) -> verify.KeyOf:
    def key_of(feed: bytes) -> Ed25519PublicKey:
        if feed not in devices:
            raise errors.TamperError("A device that was never enrolled.")
        return Ed25519PublicKey.from_public_bytes(devices[feed].public_key)

    return key_of


def a_pin(vector: Vector) -> dict[str, Any]:
    known = [certificate.Certificate(key, 0, b"") for key in vector.hashes("devices")]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "pin"
        path.write_bytes(vector.body)
        found = pin.Pin(path).read(keys_of({device.feed: device for device in known}))
    roots = [found.place.trails[feed].frontier.root() for feed in sorted(found.records)]
    return {"position": found.place.position, "roots": roots}


def a_proof(vector: Vector) -> dict[str, Any]:
    match proof.check(vector.body, vector.hex("owner")):
        case proof.Inclusion() as found:
            stated = {"seq": found.header.seq, "topic": found.header.topic, "size": found.note.size}
            shown = {"plain": found.body, "committed": int(found.committed)}
            return stated | (shown if found.body is not None else {})
        case proof.Consistency() as found:
            return {"old-size": found.old.size, "new-size": found.new.size}


def a_segment(vector: Vector) -> dict[str, Any]:
    found = segment.open_segment(vector.body, vector.hashes("mirrors"), "a segment")
    pages = [found.keys[number] for number in sorted(found.keys)]
    generation = int(vector.body.split(b"\n")[1].split()[-1])
    named = planning.fields_of(found, vector.hashes("mirrors"), generation)
    return {
        "feed": found.feed.hex(),
        "first": found.first,
        "size": found.size,
        "records": found.records,
        "scopes": [page.scope for page in pages if page.scope],
        "keys": [page.keys for page in pages],
        "withheld": numbered(found.withheld),
        "name": "-".join(map(str, ("segment", *named))),
    }


def numbered(numbers: Sequence[int]) -> str:
    return " ".join(map(str, numbers))


class OneFile:
    """A place where one file lies."""

    name = "a place"

    def __init__(self, name: str, content: bytes) -> None:
        self._name, self._content = name, content

    def sizes(self) -> dict[str, int]:
        return {self._name: len(self._content)}

    def read(self, _: str) -> bytes:
        return self._content


def a_mirror(vector: Vector) -> dict[str, Any]:
    name = vector.string("name")
    files = mirror.Mirror(OneFile(name, vector.body))
    found = files.listing()
    holds(not found.cut, "cut")
    holds(not found.others, "other file")
    files.read(name)
    kinds = ("mirror", "identity", "device", "segment", "parcel", "head")
    lists = (
        found.vaults,
        found.identities,
        found.devices,
        found.segments,
        found.parcels,
        found.heads,
    )
    [kind] = [kind for kind, listed in zip(kinds, lists, strict=True) if listed]
    return {"kind": kind}


def a_parcel(vector: Vector) -> dict[str, Any]:
    mirrors = vector.hashes("mirrors")
    kind, name, content = mirror.open_parcel(vector.body, mirrors, "a parcel")
    named = mirror.parcel_id(mirrors, kind, name, vector.hex("edition"))
    return {"kind": kind, "name": name, "content": content, "id": named}


PROGRAM: dict[str, Callable[[Vector], dict[str, Any]]] = {
    "recovery-key": recovery_key,
    "passphrase": a_passphrase,
    "identity-1": identity,
    "identity-2": identity,
    "identity-newer": identity,
    "derived": derived,
    "blinded": blinded,
    "handover": handover,
    "entry": entry,
    "event": event,
    "log": a_log,
    "proof": a_proof,
    "mirror": a_mirror,
    "parcel": a_parcel,
    "segment": a_segment,
    "pin": a_pin,
    "tree": tree,
    "inclusion": inclusion,
    "consistency": consistency,
    "checkpoint": a_checkpoint,
    "note": note,
    "certificate": a_certificate,
}

# What the second reader makes of them


def second_recovery_key(vector: Vector) -> dict[str, Any]:
    key = second.recovery_key(vector.string("typed"))
    holds(key is not None, "no key")
    return {"key": key}


def second_passphrase(vector: Vector) -> dict[str, Any]:
    stretch = {name: vector.number(name) for name in ("memory", "passes", "lanes")}
    words, salt = vector.string("passphrase"), vector.hex("salt")
    return {"key": second.passphrase_wrapping_key(words, salt, stretch)}


def second_identity(vector: Vector) -> dict[str, Any]:
    fields = second.identity(vector.body)
    owner_key = second.owner_key(fields, vector.string("secret"))
    return {"owner-key": owner_key, "device": second.device(fields, owner_key)}


def second_derived(vector: Vector) -> dict[str, Any]:
    return {"derived": second.derived(vector.hex("key"), vector.string("label"))}


def second_blinded(vector: Vector) -> dict[str, Any]:
    return {"blinded": second.blinded(vector.hex("key"), vector.hex("text"))}


def second_entry(vector: Vector) -> dict[str, Any]:
    found = second.entry(vector.body)
    stated = {name.replace("_", "-"): value for name, value in found._asdict().items()}
    stated |= {"tag": found.tag, "leaf": second.leaf(found.head)}
    if not found.ciphertext:
        raise Wrong("erased", stated)
    return stated | {"plain": second.opened(found, vector.hex("key"))}


def second_event(vector: Vector) -> dict[str, Any]:
    topic, found = second.event(vector.string("topic"), vector.body)
    return {"newest": topic, "event": in_json(found)}


def second_tree(vector: Vector) -> dict[str, Any]:
    edge: list[bytes] = []
    for size, leaf in enumerate(vector.hashes("leaves")):
        edge = second.appended(edge, size, leaf)
    return {"root": second.root_of_edge(edge), "edge": edge}


def second_inclusion(vector: Vector) -> dict[str, Any]:
    leaf, index, size = vector.hex("leaf"), vector.number("index"), vector.number("size")
    proof, root = vector.hashes("proof"), vector.hex("root")
    return holds(second.included(leaf, index, size, proof, root), "wrong proof")


def second_consistency(vector: Vector) -> dict[str, Any]:
    sizes = vector.number("old-size"), vector.number("new-size")
    roots = vector.hex("old-root"), vector.hex("new-root")
    return holds(second.consistent(*sizes, *roots, vector.hashes("proof")), "wrong proof")


def second_checkpoint(vector: Vector) -> dict[str, Any]:
    return second.checkpoint(vector.body, vector.hex("public-key"))._asdict()


def second_certificate(vector: Vector) -> dict[str, Any]:
    text = second.certified(vector.hex("public-key"), vector.number("most"))
    second.verify(vector.hex("owner"), vector.hex("signature"), text)
    return {}


def second_log(vector: Vector) -> dict[str, Any]:
    devices = {}
    for one in vector.hashes("devices"):
        key, most, signature = one[:32], int.from_bytes(one[32:40], "big"), one[40:]
        second.verify(vector.hex("owner"), signature, second.certified(key, most))
        devices[key[:8]] = (key, most)
    pages = second.merged(second.walked(vector.records, devices), devices)
    return {"leaves": [second.leaf(found.head) for page in pages for found in page.entries]}


def second_pin(vector: Vector) -> dict[str, Any]:
    keys = {key[:8]: key for key in vector.hashes("devices")}
    position, found = second.pinned(vector.body)
    heads = [second.checkpoint(record, keys[feed]) for feed, _, record in found]
    return {"position": position, "roots": [head.root for head in heads]}


def second_segment(vector: Vector) -> dict[str, Any]:
    mirrors = vector.hashes("mirrors")
    found = second_mirror.segment(vector.body, mirrors)
    return {
        "feed": found.feed.hex(),
        "first": found.first,
        "size": found.size,
        "records": found.records,
        "scopes": [scope for _, scope, _ in found.keys if scope],
        "keys": [secret for *_, secret in found.keys],
        "withheld": numbered(found.withheld),
        "name": second_mirror.named(found, mirrors),
    }


SECOND: dict[str, Callable[[Vector], dict[str, Any]]] = {
    "recovery-key": second_recovery_key,
    "passphrase": second_passphrase,
    "identity-1": second_identity,
    "identity-2": second_identity,
    "identity-newer": second_identity,
    "derived": second_derived,
    "blinded": second_blinded,
    "entry": second_entry,
    "event": second_event,
    "log": second_log,
    "segment": second_segment,
    "pin": second_pin,
    "tree": second_tree,
    "inclusion": second_inclusion,
    "consistency": second_consistency,
    "checkpoint": second_checkpoint,
    "certificate": second_certificate,
}


def outcome(read: Callable[[Vector], dict[str, Any]], vector: Vector) -> tuple[str, dict[str, Any]]:
    """What came of it in the words of the vectors, and what was read."""
    try:
        return "success", read(vector)
    except Wrong as error:
        return str(error), error.values
    except second.Refused as error:
        return str(error), {}
    except tuple(REASONS) as error:
        return REASONS[type(error)], {}


def written(value: Any) -> str:
    """A value as the vectors write it."""
    match value:
        case bytes():
            return value.hex()
        case list():
            return " ".join(one.hex() for one in value)
        case str():
            return json.dumps(value)
        case _:
            return str(value)


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_a_vector_is_read_as_it_says(path):
    vector = Vector.read(VECTORS / path)
    found, values = outcome(PROGRAM[path.parts[0]], vector)
    assert found == vector.expect
    for name in values.keys() & vector.fields.keys():
        assert written(values[name]) == vector.fields[name]


@pytest.mark.parametrize("path", [path for path in PATHS if path.parts[0] in SECOND], ids=str)
def test_a_second_reader_reads_it_alike(path):
    vector = Vector.read(VECTORS / path)
    found, values = outcome(SECOND[path.parts[0]], vector)
    # Whether it is refused is for the format to say; which of two faults is found first is not.
    assert (found == "success") == (vector.expect == "success")
    for name in values.keys() & vector.fields.keys():
        assert written(values[name]) == vector.fields[name]


def test_the_vectors_are_those_that_the_documents_make(monkeypatch):
    monkeypatch.syspath_prepend(str(SPECS))
    wanted = runpy.run_path(str(SPECS / "make_vectors.py"))["texts"]()
    assert sorted(map(str, PATHS)) == sorted(wanted)
    changed = [name for name in wanted if (VECTORS / name).read_bytes() != wanted[name].encode()]
    assert not changed, f"run specs/make_vectors.py: {changed}"


def test_a_body_that_nests_too_deep_is_no_event():
    body = b"\x81\xa4more" + b"\x91" * 100_000 + b"\xc0"
    with pytest.raises(msgspec.DecodeError, match="too deep"):
        codec.decode("owner.named/1", body)


def test_there_are_many_and_most_must_fail():
    counts = Counter(Vector.read(VECTORS / path).expect == "success" for path in PATHS)
    assert counts.total() >= 200
    assert counts[False] > counts[True]
