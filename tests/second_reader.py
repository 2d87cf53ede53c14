"""A second implementation of the formats, written from `specs/` alone: it reads, and trusts nothing.

    .venv/bin/python tests/second_reader.py FOLDER < SECRET

prints every entry of a vault as JSON. It imports nothing of ours, so what it can do a program
in another language can do: the sections of the specification that it follows are named here.
"""

import base64
import hmac
import json
import re
import sqlite3
import struct
import sys
import unicodedata
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from functools import reduce
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SINCE_2 = {"generation", "secrets", "owner", "handover", "transition", "next_device"}
FIELDS = SINCE_2 | {"format", "vault", "stretch", "salt", "passphrase", "recovery", "device"}
FIELDS |= {"mac", "sha256"}
NO_LIMIT = (1 << 63) - 1
HEADER = struct.Struct(">BB8sQQQI16s16s")
NOTE = re.compile(
    rb"(?P<text>(?P<name>twinvault/[0-9a-f]{16})\n(?P<size>0|[1-9][0-9]{0,18})\n"
    rb"(?P<root>[A-Za-z0-9+/]{43}=)\ntime (?P<time>0|[1-9][0-9]{0,19})\n)\n"
    rb"\xe2\x80\x94 (?P<signer>[^ \n]+) (?P<signature>[A-Za-z0-9+/]{91}=)\n"
)


class Refused(Exception):
    """What was read is not what the specification describes; the reason is one of a few words."""


def require(holds: bool, reason: str) -> None:
    if not holds:
        raise Refused(reason)


# Keys: event-format.md, section 4


def recovery_key(text: str) -> bytes | None:
    """The 25 bytes of a recovery key: all that was typed, or one line of it; None if it is none."""
    return next(filter(None, map(typed_key, [text, *text.splitlines()])), None)


def typed_key(typed: str) -> bytes | None:
    written = "".join(typed.split()).replace("-", "").upper().translate({79: "0", 73: "1", 76: "1"})
    if len(written) != 45 or set(written) - set(LETTERS):
        return None
    values = [LETTERS.index(letter) for letter in written]
    key = sum(value << 5 * (39 - i) for i, value in enumerate(values[:40])).to_bytes(25, "big")
    check = int.from_bytes(sha256(b"twinvault recovery key\n" + key).digest()[:4], "big") >> 7
    return key if values[40:] == [check >> 5 * (4 - i) & 31 for i in range(5)] else None


def passphrase_wrapping_key(passphrase: str, salt: bytes, stretch: dict[str, int]) -> bytes:
    memory, passes, lanes = stretch["memory"], stretch["passes"], stretch["lanes"]
    bounds = 8 * lanes <= memory <= 1 << 22 and 1 <= passes <= 64 and 1 <= lanes <= 64
    require(bounds, "foreign")
    words = unicodedata.normalize("NFC", passphrase).encode()
    return Argon2id(
        salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory
    ).derive(words)


def recovery_wrapping_key(key: bytes) -> bytes:
    return HKDF(SHA256(), 32, None, b"twinvault/1/recovery").derive(key)


def derived(owner: bytes, label: str) -> bytes:
    return HKDFExpand(SHA256(), 32, f"twinvault/1/{label}".encode()).derive(owner)


def blinded(key: bytes, text: bytes) -> bytes:
    return blake2b(text, key=key, digest_size=16).digest() if text else bytes(16)


def unwrap(key: bytes, wrapped: bytes, context: bytes, reason: str = "wrong key") -> bytes:
    try:
        return AESGCM(key).decrypt(wrapped[:12], wrapped[12:], context)
    except (InvalidTag, ValueError):
        raise Refused(reason) from None


def canonical(fields: dict[str, Any]) -> bytes:
    return (json.dumps(fields, indent=2, sort_keys=True) + "\n").encode()


def identity(content: bytes) -> dict[str, Any]:
    """The fields of vault.json, whole and in their canonical form."""
    try:
        fields = json.loads(content)
        number = fields["format"]
    except (ValueError, KeyError, TypeError):
        raise Refused("foreign") from None
    require(number in (1, 2), "foreign")
    require(set(fields) == FIELDS if number == 2 else FIELDS - SINCE_2, "malformed")
    require(canonical(fields) == content, "malformed")
    wrapped = fields.keys() - {"format", "vault", "generation", "stretch", "sha256"}
    require(all(re.fullmatch("([0-9a-f]{2})*", fields[name]) for name in wrapped), "malformed")
    stated = fields.pop("sha256", None)
    require(stated == sha256(canonical(fields)).hexdigest(), "malformed")
    return fields


def owner_key(fields: dict[str, Any], secret: str) -> bytes:
    """The owner key, unwrapped by either secret, after the owner's code was checked under it."""
    context, recovery = fields["vault"].encode(), recovery_key(secret)
    owner = None
    if recovery is not None:
        try:
            wrapped = bytes.fromhex(fields["recovery"])
            owner = unwrap(recovery_wrapping_key(recovery), wrapped, context)
        except Refused:
            pass
    if owner is None:
        key = passphrase_wrapping_key(secret, bytes.fromhex(fields["salt"]), fields["stretch"])
        owner = unwrap(key, bytes.fromhex(fields["passphrase"]), context, "wrong secret")
    code = hmac.digest(derived(owner, "log/identity"), canonical(fields | {"mac": ""}), "sha256")
    require(code.hex() == fields["mac"], "malformed")
    if fields["format"] == 2:
        signing = Ed25519PrivateKey.from_private_bytes(derived(owner, "log/certificate"))
        require(signing.public_key().public_bytes_raw().hex() == fields["owner"], "malformed")
        constants(fields, owner)
    return owner


def constants(fields: dict[str, Any], owner: bytes) -> dict[str, Any]:
    """What every generation of the owner key carries on: the root of keys that never change."""
    if fields["format"] == 1:
        return {"root": owner.hex(), "mirrors": [derived(owner, "log/mirror").hex()]}
    wrapped, context = bytes.fromhex(fields["secrets"]), fields["vault"].encode()
    found = json.loads(unwrap(derived(owner, "log/secrets"), wrapped, context))
    assert isinstance(found, dict)
    return found


def device(fields: dict[str, Any], owner: bytes) -> bytes:
    """The seed of this device's signing key."""
    wrapped = bytes.fromhex(fields["device"])
    return unwrap(derived(owner, "log/device"), wrapped, fields["vault"].encode())


# Entries: event-format.md, sections 2 and 3


class Entry(NamedTuple):
    version: int
    feed: bytes
    seq: int
    time: int
    key_page: int
    key_slot: int
    natural_key: bytes
    content: bytes
    topic: str
    header: bytes
    head: bytes
    ciphertext: bytes

    @property
    def id(self) -> str:
        return f"{self.feed.hex()}-{self.seq}"

    @property
    def tag(self) -> str:
        return self.natural_key.hex() if any(self.natural_key) else self.topic


def entry(data: bytes) -> Entry:
    """An entry taken apart; its body, unless cut off, has the hash that the leaf states."""
    require(len(data) >= HEADER.size, "malformed")
    version, length, *fields = HEADER.unpack_from(data)
    end = HEADER.size + length
    require(version in (1, 2) and len(data) >= end + 32, "malformed")
    topic, head, ciphertext = data[HEADER.size : end], data[: end + 32], data[end + 32 :]
    require(topic.isascii(), "malformed")
    if ciphertext:
        require(sha256(ciphertext).digest() == head[-32:], "body changed")
    return Entry(version, *fields, topic.decode("ascii"), data[:end], head, ciphertext)


def opened(found: Entry, key: bytes) -> bytes:
    """The body of an entry; since version 2 it stands behind 32 zeros, which commit to the key."""
    plain = unwrap(key, bytes(12) + found.ciphertext, found.header)
    if found.version == 1:
        return plain
    require(plain[:32] == bytes(32), "wrong key")
    return plain[32:]


# Events: event-format.md, section 1, and the schemas


SCHEMAS = Path(__file__).parents[1] / "specs" / "schemas"
TIMES = {"at", "since", "until", "expires", "first_at", "last_at"}
WITHOUT_TAGS, WITHOUT_ITEMS = {"item": {"tags": []}}, {"manifest": {"items": 0, "items_root": ""}}
EARLIER: dict[str, tuple[str, dict[str, Any]]] = {
    "item.collected/1": ("item.collected/2", WITHOUT_TAGS),
    "item.revised/1": ("item.revised/2", WITHOUT_TAGS),
    "item.erased/1": ("item.erased/2", {"cause": "asked"}),
    "import.finished/1": ("import.finished/2", {"path": "", "asked": "", "retried": ""}),
    "device.revoked/1": ("device.revoked/2", {"size": 0}),
    "model.trained/1": ("model.trained/2", WITHOUT_ITEMS),
    "model.retrained/1": ("model.retrained/2", WITHOUT_ITEMS),
}
PLAIN = {"integer": int, "number": (int, float), "boolean": bool, "null": type(None)}


def event(topic: str, body: bytes) -> tuple[str, Any]:
    """The newest topic of an event and its fields, checked against the schema of its own topic."""
    path = SCHEMAS / f"{topic.replace('/', '.')}.json"
    require(re.fullmatch(r"[a-z.]+/[0-9]+", topic) is not None and path.is_file(), "unknown")
    schema = json.loads(path.read_text("utf-8"))
    try:
        found = msgspec.msgpack.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused("malformed") from None
    fields = fitting(found, schema, schema["$defs"], "")
    newest, added = EARLIER.get(topic, (topic, {}))
    fields |= {k: fields[k] | v if isinstance(v, dict) else v for k, v in added.items()}
    if topic == "import.finished/1":
        fields["sources"] = [[name, 0] for name in fields.pop("source").split(", ") if name]
    return newest, fields


def fitting(value: Any, schema: dict[str, Any], kinds: dict[str, Any], name: str) -> Any:
    """A value that fits a schema, with the defaults of whatever it leaves out."""
    if "$ref" in schema:
        schema = kinds[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        for each in schema["anyOf"]:
            try:
                return fitting(value, each, kinds, name)
            except Refused:
                continue
        raise Refused("malformed")
    kind = schema.get("type", "string")
    if kind == "object":
        require(isinstance(value, dict), "malformed")
        parts = schema["properties"]
        require(all(isinstance(key, str) for key in value), "malformed")
        require(value.keys() >= set(schema.get("required", ())), "malformed")
        return {
            key: fitting(value[key] if key in value else part.get("default", {}), part, kinds, key)
            for key, part in parts.items()
        }
    if kind == "array":
        require(isinstance(value, list), "malformed")
        each = schema.get("prefixItems") or [schema["items"]] * len(value)
        require(len(each) == len(value), "malformed")
        return [fitting(one, part, kinds, name) for one, part in zip(value, each, strict=True)]
    if kind == "string":
        typed = bytes if "contentEncoding" in schema else datetime if name in TIMES else str
        require(isinstance(value, typed) and value in schema.get("enum", [value]), "malformed")
        return value
    require(isinstance(value, PLAIN[kind]), "malformed")
    require(kind == "boolean" or not isinstance(value, bool), "malformed")
    return float(value) if kind == "number" else value


# Trees and checkpoints: log.md, section 2


def leaf(head: bytes) -> bytes:
    return sha256(b"\0" + head).digest()


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


def appended(edge: list[bytes], size: int, new: bytes) -> list[bytes]:
    """The edge of a tree of `size` leaves after one more."""
    edge = [*edge, new]
    while size & 1:
        right, left = edge.pop(), edge.pop()
        edge.append(node(left, right))
        size >>= 1
    return edge


def root_of_edge(edge: list[bytes]) -> bytes:
    newest = edge[-1] if edge else sha256(b"").digest()
    return reduce(lambda root, left: node(left, root), edge[-2::-1], newest)


def included(hash_: bytes, index: int, size: int, proof: list[bytes], root: bytes) -> bool:
    """Whether an inclusion proof leads to the root: PATH, undone from the top."""

    def climb(index: int, size: int, proof: list[bytes]) -> bytes:
        if size == 1:
            require(not proof, "wrong proof")
            return hash_
        require(bool(proof), "wrong proof")
        k = 1 << (size - 1).bit_length() - 1
        *rest, last = proof
        if index < k:
            return node(climb(index, k, rest), last)
        return node(last, climb(index - k, size - k, rest))

    try:
        return 0 <= index < size and climb(index, size, proof) == root
    except Refused:
        return False


def consistent(old: int, new: int, old_root: bytes, root: bytes, proof: list[bytes]) -> bool:
    """Whether a consistency proof shows a prefix: SUBPROOF, undone from the top."""

    def climb(old: int, new: int, proof: list[bytes], *, known: bool) -> tuple[bytes, bytes]:
        if old == new:
            require(len(proof) == (0 if known else 1), "wrong proof")
            hash_ = old_root if known else proof[0]
            return hash_, hash_
        require(bool(proof), "wrong proof")
        k = 1 << (new - 1).bit_length() - 1
        *rest, last = proof
        if old <= k:
            before, after = climb(old, k, rest, known=known)
            return before, node(after, last)
        before, after = climb(old - k, new - k, rest, known=False)
        return node(last, before), node(last, after)

    try:
        return 0 < old <= new and climb(old, new, proof, known=True) == (old_root, root)
    except Refused:
        return False


def verify(public_key: bytes, signature: bytes, text: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, text)
    except InvalidSignature:
        raise Refused("bad signature") from None


def certified(device: bytes, most: int) -> bytes:
    """What the owner signs of a device: its key, and how many entries of its feed count."""
    return b"twinvault/device/2\n" + device + most.to_bytes(8, "big")


class Head(NamedTuple):
    size: int
    root: bytes
    time: int
    edge: list[bytes]


def checkpoint(record: bytes, public_key: bytes) -> Head:
    """What a checkpoint's record states, every byte of it checked."""
    form = NOTE.match(record)
    if form is None:
        raise Refused("malformed")
    name, size = b"twinvault/" + public_key[:8].hex().encode(), int(form["size"])
    tail, signature = record[form.end() :], base64.b64decode(form["signature"])
    require(len(tail) == 32 * size.bit_count(), "malformed")
    edge = [tail[i : i + 32] for i in range(0, len(tail), 32)]
    root = root_of_edge(edge)
    require(base64.b64decode(form["root"]) == root, "wrong root")
    # Encoded again, byte for byte: base64 has bits that decoding ignores.
    require(base64.b64encode(root) == form["root"], "bad signature")
    require(base64.b64encode(signature) == form["signature"], "bad signature")
    require(form["name"] == form["signer"] == name, "bad signature")
    key_hash = sha256(name + b"\n\x01" + public_key).digest()[:4]
    require(signature[:4] == key_hash, "bad signature")
    verify(public_key, signature[4:], form["text"])
    return Head(size, root, int(form["time"]), edge)


# A whole vault: log.md


def reading(path: Path) -> Any:
    return closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True))


class KeyFile:
    """keys.db, opened: data keys by feed, page and slot."""

    def __init__(self, path: Path, owner: bytes, only_feed: bytes | None) -> None:
        exchange = X25519PrivateKey.from_private_bytes(derived(owner, "log/exchange"))
        suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
        context, wrapping = b"twinvault/1/key-page", derived(owner, "log/scope-key")
        with reading(path) as database:
            scopes = {
                id_: unwrap(wrapping, wrapped, name)
                for id_, name, wrapped in database.execute("SELECT id, name, wrapped FROM scope")
            }
            feed, table = (f"x'{only_feed.hex()}'", "page") if only_feed else ("feed", "key_page")
            query = f"SELECT {feed}, id, scope, wrapped FROM {table}"  # format 1 names no feed
            self.pages = {
                (feed, id_): unwrap(scopes[scope], wrapped, context)
                if scope
                else suite.decrypt(wrapped, exchange, context)
                for feed, id_, scope, wrapped in database.execute(query)
            }

    def data_key(self, found: Entry) -> bytes:
        """The data key of an entry, or nothing where it was destroyed."""
        page, slot = self.pages.get((found.feed, found.key_page), b""), found.key_slot
        key = page[32 * slot : 32 * slot + 32]
        return key if any(key) else b""


class Page(NamedTuple):
    """Entries of one feed that were appended together, and the checkpoint over them."""

    feed: bytes
    entries: list[Entry]
    head: Head


Devices = dict[bytes, tuple[bytes, int]]


def walked(records: Iterable[tuple[int, str, str, bytes]], devices: Devices) -> list[Page]:
    """The pages of all feeds as they arrived, every record checked; the last is a checkpoint."""
    heads: dict[bytes, Head] = {}
    pages: list[Page] = []
    entries: list[Entry] = []
    last, edge, size, time, feed = 0, list[bytes](), 0, 0, b""
    for position, type_, tags, data in records:
        require(position == last + 1, "misplaced")
        last = position
        if type_ != "checkpoint/1":
            found = entry(data)
            if not entries:
                feed = found.feed
                size, _, time, edge = heads.get(feed, Head(0, b"", 0, []))
            require((found.feed, found.seq) == (feed, size) and found.time > time, "misplaced")
            require((found.topic, found.tag) == (type_, tags), "misplaced")
            edge, size, time = appended(edge, size, leaf(found.head)), size + 1, found.time
            entries.append(found)
            continue
        require(bool(entries) and feed in devices, "misplaced")
        head = checkpoint(data, devices[feed][0])
        require((head.size, head.time, head.edge) == (size, time, edge), "wrong root")
        require(tags == feed.hex(), "misplaced")
        heads[feed] = head
        pages.append(Page(feed, entries, head))
        entries = []
    require(not entries, "unsigned")
    return pages


def merged(pages: list[Page], devices: Devices) -> list[Page]:
    """The pages that count, in the order at which every device arrives."""
    counting = [page for page in pages if page.head.size <= devices[page.feed][1]]
    return sorted(counting, key=lambda page: (page.head.time, page.feed))


def pinned(content: bytes) -> tuple[int, list[tuple[bytes, int, bytes]]]:
    """Where the log ended, and every feed's newest checkpoint: feed, position, record."""
    number = b"(0|[1-9][0-9]{0,18})"
    if first := re.match(number + rb"\ntwinvault/([0-9a-f]{16})\n", content):  # format 1
        feed, position = bytes.fromhex(first[2].decode()), int(first[1])
        return position, [(feed, position, content[first.end(1) + 1 :])]
    head = re.match(rb"twinvault/pin/2\n" + number + rb"\n", content)
    if head is None:
        raise Refused("malformed")
    found: list[tuple[bytes, int, bytes]] = []
    at = head.end()
    while at < len(content):
        each = re.compile(rb"([0-9a-f]{16}) " + number + b" " + number + rb"\n").match(content, at)
        if each is None:
            raise Refused("malformed")
        feed, at = bytes.fromhex(each[1].decode()), each.end() + int(each[3])
        require(at <= len(content) and all(feed > other for other, *_ in found), "malformed")
        found.append((feed, int(each[2]), content[each.end() : at]))
    require(bool(found) and max(at for _, at, _ in found) == int(head[1]), "malformed")
    return int(head[1]), found


def certificates(
    database: Any, fields: dict[str, Any], own: bytes
) -> dict[bytes, tuple[bytes, int]]:
    """Key and number of entries of every device, certified by the owner."""
    if fields["format"] == 1:
        return {own[:8]: (own, NO_LIMIT)}
    found = {}
    for feed, key, most, signature in database.execute("SELECT * FROM device"):
        require(feed == key[:8], "malformed")
        verify(bytes.fromhex(fields["owner"]), signature, certified(key, most))
        found[feed] = (key, most)
    require(own[:8] in found, "misplaced")
    return found


def read(folder: Path, secret: str) -> dict[str, Any]:
    """Everything that a vault holds, after every signature, hash and root was verified."""
    fields = identity((folder / "vault.json").read_bytes())
    owner = owner_key(fields, secret)
    own = Ed25519PrivateKey.from_private_bytes(device(fields, owner)).public_key()
    own_key = own.public_bytes_raw()
    with reading(folder / "log.db") as database:
        devices = certificates(database, fields, own_key)
        query = "SELECT position, type, tags, CAST(data AS BLOB) FROM event ORDER BY position"
        records = database.execute(query).fetchall()
    for _, position, record in pinned((folder / "pin").read_bytes())[1]:
        require(len(records) >= position and records[position - 1][3] == record, "rolled back")
    pages = walked(records, devices)
    keys = KeyFile(folder / "keys.db", owner, own_key[:8] if fields["format"] == 1 else None)
    newest = {page.feed: page.head for page in pages}
    return {
        "vault": fields["vault"],
        "feeds": [
            {"feed": feed.hex(), "public_key": devices[feed][0].hex(), "most": devices[feed][1]}
            | {"size": head.size, "root": head.root.hex()}
            for feed, head in sorted(newest.items())
        ],
        "entries": read_together([e for p in merged(pages, devices) for e in p.entries], keys),
    }


def read_together(entries: list[Entry], keys: KeyFile) -> list[dict[str, Any]]:
    """Entries in merged order, and what each tells there: the first under a key is the item."""
    first = {found.tag: found.id for found in reversed(entries) if any(found.natural_key)}
    known = {found.id: first.get(found.tag, found.id) for found in entries}
    return [
        {
            "id": found.id,
            "topic": found.topic,
            "time": found.time,
            "event": (said := event_of(found, keys)),
            "erased": not keys.data_key(found) or not found.ciphertext,
            "told": said and told(found.id, said, known),
        }
        for found in entries
    ]


def event_of(found: Entry, keys: KeyFile) -> Any:
    """What an entry says, or nothing where it was erased or nobody knows its topic."""
    key = keys.data_key(found) if found.ciphertext else b""
    try:
        return event(found.topic, opened(found, key))[1] if key else None
    except Refused as error:
        require(str(error) == "unknown", str(error))
        return None


def told(id_: str, said: dict[str, Any], known: dict[str, str]) -> dict[str, Any]:
    """An event with the ids by which items are known in merged order."""
    if "item" in said:
        return ({} if known[id_] == id_ else {"item_id": known[id_]}) | {"item": said["item"]}
    if "item_ids" in said:
        ids = [*(known.get(one, one) for one in said["item_ids"]), *said["item_ids"]]
        return said | {"item_ids": list(dict.fromkeys(ids))}
    if "item_id" in said:
        return said | {"item_id": known.get(said["item_id"], said["item_id"])}
    return said


if __name__ == "__main__":
    found = msgspec.json.encode(read(Path(sys.argv[1]), sys.stdin.read().rstrip("\n")))
    sys.stdout.buffer.write(msgspec.json.format(found, indent=1) + b"\n")
