"""The files of a mirror: what their names say, sealed segments, sealed parcels."""

import hmac
from collections.abc import Iterator
from hashlib import sha256

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cases import FOREIGN, MALFORMED, SUCCESS, Case, Value, flipped, seed
from cases.checkpoints import DEVICE, OTHER, TIME, certificate, public, record
from cases.logs import Feed

__all__ = ["cases"]

_CUT = "cut"
_OTHER_FILE = "other file"
_MIRRORS = [seed("mirror 1"), seed("mirror 2")]
_FEED = public(DEVICE)[:8].hex()
_NAME = _FEED.encode()
_KEY = seed("data key")


def cases() -> Iterator[Case]:
    """All cases of this part."""
    yield from _names()
    yield from _whole_segments()
    yield from _changed_segments()
    yield from _parcels()


def _named(stem: str, content: bytes) -> str:
    return f"{stem}-{len(content)}-{sha256(content).hexdigest()[:32]}"


def _names() -> Iterator[Case]:
    def case(  # noqa: PLR0917 - the columns of a table
        what: str, comment: str, name: str, content: bytes, expect: str = SUCCESS, kind: str = ""
    ) -> Case:
        fields: dict[str, Value] = {"name": name} | ({"kind": kind} if kind else {})
        return Case(
            family="mirror", name=what, comment=comment, expect=expect, fields=fields, body=content
        )

    vault = f"twinvault/mirror/1\n{seed('vault', 8).hex()}\n".encode()
    head = record([seed("leaf")], TIME)
    device = public(DEVICE) + (7).to_bytes(8, "big") + certificate(public(DEVICE), 7)
    of_vault = _named(f"mirror-1-{seed('vault', 8).hex()}", vault)
    of_head = _named(f"head-{_FEED}-1", head)
    sealed = seed("sealed", 100)
    segment = _named(f"segment-{_FEED}-0-3-2-1-1-{seed('absent', 16).hex()}", sealed)
    yield case("vault", "which vault", of_vault, vault, kind="mirror")
    yield case(
        "device", "a certificate", _named(f"device-1-{_FEED}-7", device), device, kind="device"
    )
    yield case("head", "a checkpoint", of_head, head, kind="head")
    yield case("segment", "a segment", segment, sealed, kind="segment")
    parcel = _named(f"parcel-{_FEED}-1-{seed('id', 16).hex()}", sealed)
    yield case("parcel", "a parcel", parcel, sealed, kind="parcel")
    identity = _named(f"identity-2-{_FEED}", b"{}\n")
    yield case("identity", "an identity", identity, b"{}\n", kind="identity")
    yield case("shorter", "half of it was written", segment, sealed[:50], _CUT)
    yield case("longer", "more than it says", segment, sealed + b"\0", _CUT)
    yield case("nothing", "nothing was written", segment, b"", _CUT)
    yield case("flipped", "one bit", segment, flipped(sealed, 99), MALFORMED)
    yield case("exchanged", "as long, and something else", segment, seed("other", 100), MALFORMED)
    newer = vault.replace(b"mirror/1", b"mirror/2")
    of_newer = _named(f"mirror-2-{seed('vault', 8).hex()}", newer)
    yield case("newer", "a mirror of a later format", of_newer, newer, FOREIGN)
    for what, name in (
        ("plain-name", "holiday.jpg"),
        ("no-hash", f"head-{_FEED}-1-{len(head)}"),
        ("hash-short", of_head[:-1]),
        ("hash-upper-case", of_head[:-32] + of_head[-32:].upper()),
        ("number-zero", of_head.replace("-1-", "-01-", 1)),
        ("number-sign", of_head.replace("-1-", "-+1-", 1)),
        ("number-arabic", of_head.replace("-1-", "-\N{ARABIC-INDIC DIGIT ONE}-", 1)),
        ("field-missing", of_head.replace("-1-", "-", 1)),
        ("field-more", of_head.replace("-1-", "-1-1-", 1)),
        ("kind-other", of_head.replace("head", "tail")),
        ("kind-upper-case", of_head.replace("head", "Head")),
        ("copy", of_head + " (1)"),
        ("line-break", of_head + "\n"),
        ("segment-short", _named(f"segment-{_FEED}-0-3-2-1", sealed)),
    ):
        yield case(f"name-{what}", "a name that no file of a mirror has", name, head, _OTHER_FILE)


# Segments: consecutive pages of a feed with the keys of their entries.


def _feed() -> tuple[list[bytes], list[tuple[int, bytes, bytes]], list[int]]:
    feed = Feed()
    records = [row.data for row in (*feed.page(2), *feed.page(1))]
    scope = seed("scope", 16)
    return records, [(1, b"", _KEY), (2, scope, _KEY + bytes(32)), (3, scope, _KEY)], []


def _sealed(
    content: object,
    head: bytes = b"twinvault/segment/1\n%b 0 3 2\n" % _NAME,
    key: bytes = _MIRRORS[1],
    data: bytes | None = None,
) -> bytes:
    plain, nonce = msgspec.msgpack.encode(content), seed("nonce", 12)
    return head + nonce + AESGCM(key).encrypt(nonce, plain, head if data is None else data)


def _segment(what: str, comment: str, body: bytes, expect: str = MALFORMED, **more: Value) -> Case:
    fields: dict[str, Value] = {"mirrors": _MIRRORS, **more}
    return Case(
        family="segment", name=what, comment=comment, expect=expect, fields=fields, body=body
    )


def _whole_segments() -> Iterator[Case]:
    records, keys, _ = _feed()
    both = [records, keys, []]
    whole: dict[str, Value] = {
        "feed": _FEED,
        "first": 0,
        "size": 3,
        "records": records,
        "scopes": [scope for _, scope, _ in keys if scope],
        "keys": [secret for *_, secret in keys],
        "withheld": "",
        "name": _stem(3, [], []),
    }

    def head(text: bytes) -> bytes:
        return b"twinvault/segment/" + text

    yield _segment("good", "three entries and their keys", _sealed(both), SUCCESS, **whole)
    earlier = _sealed(both, head(b"1\n%b 0 3 1\n" % _NAME), _MIRRORS[0])
    first: dict[str, Value] = whole | {"name": _stem(3, [], [], 1)}
    yield _segment("earlier", "sealed before the owner key was replaced", earlier, SUCCESS, **first)
    yield from _without_bodies(records, keys, whole)
    later = _sealed(both, head(b"1\n%b 0 3 3\n" % _NAME), seed("mirror 3"))
    yield _segment("later", "sealed under an owner key that is not known", later, FOREIGN)
    newer = _sealed(both, head(b"2\n%b 0 3 2\n" % _NAME))
    yield _segment("newer", "a later form", newer, FOREIGN)
    for what, comment, text in (
        ("generation-zero", "no generation", b"1\n%b 0 3 0\n" % _NAME),
        ("leading-zero", "a number with a zero in front", b"1\n%b 00 3 2\n" % _NAME),
        ("size-zero", "no entries", b"1\n%b 0 0 2\n" % _NAME),
        ("crlf", "line ends of another system", b"1\r\n%b 0 3 2\r\n" % _NAME),
        ("upper-case", "the feed in upper case", b"1\n%b 0 3 2\n" % _NAME.upper()),
        ("form-zero", "a form with a zero in front", b"01\n%b 0 3 2\n" % _NAME),
    ):
        expect = FOREIGN if what == "form-zero" else MALFORMED
        yield _segment(what, comment, _sealed(both, head(text)), expect)
    foreign = _sealed(both, key=seed("another vault"))
    yield _segment("other-vault", "sealed under another vault's key", foreign)
    unbound = _sealed(both, data=b"")
    yield _segment("without-head", "the first lines are not bound to what is sealed", unbound)
    for what, comment, content in (
        ("no-keys", "records alone", [records]),
        ("two-parts", "nothing of what is withheld", both[:2]),
        ("one-more", "one part more than there are", [*both, []]),
        ("texts", "texts in the place of records", [["entry"], keys, []]),
        ("key-short", "a page of keys without its scope", [records, [(1, _KEY)], []]),
        ("map", "a map", {"records": records, "keys": keys, "withheld": []}),
        ("withheld-texts", "texts in the place of numbers", [*both[:2], ["1"]]),
        ("withheld-there", "a body that is withheld is there", [*both[:2], [1]]),
        ("withheld-behind", "an entry is withheld that is not in it", [*both[:2], [3]]),
    ):
        yield _segment(what, comment, _sealed(content))


def _stem(bodies: int, withheld: list[int], erased: list[int], generation: int = 2) -> str:
    """The name of a segment's file, but for its length and its hash."""
    text = msgspec.msgpack.encode([bytes.fromhex(_FEED), 0, 3, withheld, erased])
    digest = hmac.digest(_MIRRORS[generation - 1], b"twinvault/absent\n" + text, "sha256")
    counts = f"{bodies}-{len(withheld)}-{generation}"
    return f"segment-{_FEED}-0-3-{counts}-{digest[:16].hex()}"


def _without_bodies(
    records: list[bytes], keys: list[tuple[int, bytes, bytes]], whole: dict[str, Value]
) -> Iterator[Case]:
    """Bodies that stayed at home, and one that was erased."""

    def cut(*numbers: int) -> list[bytes]:
        notes = [data.startswith(b"twinvault/") for data in records]
        seqs = [seq - sum(notes[:seq]) for seq in range(len(records))]
        return [
            data[: 70 + data[1] + 32] if seq in numbers and not note else data
            for data, seq, note in zip(records, seqs, notes, strict=True)
        ]

    for what, comment, withheld, erased in (
        ("withheld", "the body of one entry stayed at home", [1], list[int]()),
        ("erased", "one entry was erased", [], [1]),
        ("both", "one entry was erased, and the body of another stayed at home", [2], [0]),
    ):
        left = cut(*withheld, *erased)
        stated = whole | {
            "records": left,
            "withheld": " ".join(map(str, withheld)),
            "name": _stem(2 if what != "both" else 1, withheld, erased),
        }
        yield _segment(what, comment, _sealed([left, keys, withheld]), SUCCESS, **stated)
    left = cut(1, 2)
    for what, comment, numbers in (
        ("withheld-twice", "an entry is withheld twice", [1, 1]),
        ("withheld-backwards", "numbers that do not rise", [2, 1]),
    ):
        yield _segment(what, comment, _sealed([left, keys, numbers]))


def _changed_segments() -> Iterator[Case]:
    good = _sealed(list(_feed()))
    for what, comment, body in (
        ("empty", "nothing", b""),
        ("not-a-segment", "something else", b"PK\3\4" + good[4:]),
        ("head-alone", "nothing sealed", good[: good.index(b" 2\n") + 3]),
        ("cut", "the last byte is missing", good[:-1]),
        ("cut-in-head", "the file ends within its first lines", good[:30]),
        ("behind", "a byte more", good + b"\0"),
        ("flipped", "one bit of what is sealed", flipped(good, 8 * 100)),
        ("size-changed", "another size", good.replace(b" 0 3 2\n", b" 0 4 2\n", 1)),
        ("first-changed", "another beginning", good.replace(b" 0 3 2\n", b" 1 3 2\n", 1)),
        ("generation-changed", "another generation", good.replace(b" 0 3 2\n", b" 0 3 1\n", 1)),
        ("feed-changed", "another feed", good.replace(_NAME, public(OTHER)[:8].hex().encode(), 1)),
    ):
        yield _segment(what, comment, body)


def _parcels() -> Iterator[Case]:
    """Models and papers, sealed one by one."""
    parts = ("papers", "receipt-7.json", b"{}\n")

    def sealed(
        content: object = parts, head: bytes = b"twinvault/parcel/1\n2\n", key: bytes = _MIRRORS[1]
    ) -> bytes:
        plain, nonce = msgspec.msgpack.encode(content), seed("nonce", 12)
        return head + nonce + AESGCM(key).encrypt(nonce, plain, head)

    def case(what: str, comment: str, body: bytes, expect: str = MALFORMED) -> Case:
        fields: dict[str, Value] = {"mirrors": _MIRRORS}
        if expect == SUCCESS:
            fields |= {"kind": parts[0], "name": parts[1], "content": parts[2]}
            text = msgspec.msgpack.encode([*parts[:2], sha256(parts[2]).digest()])
            digest = hmac.digest(_MIRRORS[-1], b"twinvault/parcel\n" + text, "sha256")
            fields |= {"edition": sha256(parts[2]).digest(), "id": digest[:16].hex()}
        return Case(
            family="parcel", name=what, comment=comment, expect=expect, fields=fields, body=body
        )

    good = sealed()
    yield case("good", "a paper", good, SUCCESS)
    earlier = sealed(head=b"twinvault/parcel/1\n1\n", key=_MIRRORS[0])
    yield case("earlier", "sealed before the owner key was replaced", earlier, SUCCESS)
    later = sealed(head=b"twinvault/parcel/1\n3\n", key=seed("mirror 3"))
    yield case("later", "sealed under an owner key that is not known", later, FOREIGN)
    yield case("newer", "a later form", sealed(head=b"twinvault/parcel/2\n2\n"), FOREIGN)
    yield case("generation-zero", "no generation", sealed(head=b"twinvault/parcel/1\n0\n"))
    yield case("empty", "nothing", b"")
    yield case("cut", "the last byte is missing", good[:-1])
    yield case("behind", "a byte more", good + b"\0")
    yield case("flipped", "one bit", flipped(good, 8 * 50))
    yield case("generation-changed", "another generation", good.replace(b"\n2\n", b"\n1\n", 1))
    yield case("other-vault", "another vault's", sealed(key=seed("another vault")))
    yield case("two-parts", "no content", sealed(parts[:2]))
    yield case("four-parts", "one part more", sealed((*parts, b"")))
    yield case("text", "a text in the place of the content", sealed((*parts[:2], "{}")))
