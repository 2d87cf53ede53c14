"""What unlocks a vault: recovery keys, passphrases, and vault.json of both formats.

event-format.md, section 4.
"""

import hmac
import json
import unicodedata
from collections.abc import Iterator
from hashlib import blake2b, sha256
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from cases import BAD_SIGNATURE, FOREIGN, MALFORMED, SUCCESS, Case, flipped, seed

__all__ = ["cases", "derived"]

PASSPHRASE = "Müllers Leuchtturm, 3 Stufen"  # noqa: S105 - of no vault
RECOVERY = seed("recovery key", 25)
NO_KEY = "no key"
WRONG_SECRET = "wrong secret"  # noqa: S105 - a reason
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_STRETCH = {"lanes": 2, "memory": 64, "passes": 1}
_SALT = seed("salt", 16)
_VAULT = "00c0ffee00c0ffee"


def derived(key: bytes, label: str) -> bytes:
    """Return a key for one purpose."""
    return HKDFExpand(SHA256(), 32, f"twinvault/1/{label}".encode()).derive(key)


def _written(key: bytes) -> str:
    """Return a recovery key as it is printed."""
    check = int.from_bytes(sha256(b"twinvault recovery key\n" + key).digest()[:4], "big") >> 7
    number = int.from_bytes(key, "big") << 25 | check
    text = "".join(_LETTERS[number >> 5 * (44 - i) & 31] for i in range(45))
    return "-".join(text[i : i + 5] for i in range(0, 45, 5))


def _stretched(passphrase: str, salt: bytes, memory: int, passes: int, lanes: int) -> bytes:
    words = unicodedata.normalize("NFC", passphrase).encode()
    argon = Argon2id(salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory)
    return argon.derive(words)


def cases() -> Iterator[Case]:
    """All cases of this part."""
    yield from _recovery_keys()
    yield from _passphrases()
    for format_ in (1, 2):
        yield from _unlocking(format_)
        yield from _damaged(format_)
        yield from _forged(format_)
    yield from _newer()
    yield from _derivations()
    yield from _handovers()


def _recovery_keys() -> Iterator[Case]:
    def case(name: str, comment: str, typed: str, key: bytes | None = None) -> Case:
        fields: dict[str, bytes | str] = {"typed": typed} | ({"key": key} if key else {})
        expect = SUCCESS if key else NO_KEY
        return Case(family="recovery-key", name=name, comment=comment, expect=expect, fields=fields)

    text = _written(RECOVERY)
    bare = text.replace("-", "")
    yield case("printed", "as it is printed", text, RECOVERY)
    yield case("lower-case", "in lower case", text.lower(), RECOVERY)
    yield case("bare", "without hyphens", bare, RECOVERY)
    yield case("spaces", "spaces for hyphens", text.replace("-", " "), RECOVERY)
    yield case(
        "lines", "over three lines", "\n".join([bare[:15], bare[15:30], bare[30:]]), RECOVERY
    )
    yield case("spread", "a space between all letters", " ".join(bare), RECOVERY)
    yield case(
        "page",
        "a page that holds it on one line",
        f"Recovery key\n\n   {text}\n\nKeep it.\n",
        RECOVERY,
    )
    yield case("zeros", "the smallest", _written(bytes(25)), bytes(25))
    yield case("zeros-as-o", "O for 0", _written(bytes(25)).replace("0", "o"), bytes(25))
    ones = bytes([0x08, 0x42, 0x10, 0x84, 0x21] * 5)
    for letter in "iIlL":
        name = f"ones-as-{unicodedata.name(letter).split()[1].lower()}-{letter.lower()}"
        yield case(name, f"{letter} for 1", _written(ones).replace("1", letter), ones)
    yield case("largest", "the largest", _written(b"\xff" * 25), b"\xff" * 25)
    yield case("empty", "nothing", "")
    yield case("one-letter-wrong", "one letter is another", _swapped(text, 3))
    yield case("check-wrong", "one letter of the checksum is another", _swapped(text, 52))
    yield case("two-letters-swapped", "two letters have changed places", text[1::-1] + text[2:])
    yield case(
        "groups-swapped", "two groups have changed places", text[6:12] + text[:6] + text[12:]
    )
    yield case("short", "the last letter is missing", text[:-1])
    yield case("no-check", "the last group is missing", text[:-6])
    yield case("long", "one letter more", text + "0")
    yield case("letter-u", "a letter that the alphabet has not", "U" + text[1:])
    yield case("underscores", "underscores for hyphens", text.replace("-", "_"))
    yield case("dashes", "dashes for hyphens", text.replace("-", "\N{EN DASH}"))
    yield case(
        "full-width",
        "letters of another script",
        "".join(chr(ord(c) + 0xFEE0) if c != "-" else c for c in text),
    )
    yield case("twice", "the key twice on one line", text + " " + text)
    yield case("hexadecimal", "its bytes in hexadecimal", RECOVERY.hex())


def _swapped(text: str, at: int) -> str:
    return text[:at] + _LETTERS[_LETTERS.index(text[at]) ^ 1] + text[at + 1 :]


def _passphrases() -> Iterator[Case]:
    def case(
        name: str,
        comment: str,
        words: str = PASSPHRASE,
        cost: tuple[int, int, int] = (64, 1, 2),
        *,
        good: bool = True,
    ) -> Case:
        costs = dict(zip(("memory", "passes", "lanes"), cost, strict=True))
        key = {"key": _stretched(words, _SALT, *cost)} if good else {}
        fields: dict[str, bytes | int | str] = {"passphrase": words, "salt": _SALT, **costs, **key}
        expect = SUCCESS if good else FOREIGN
        return Case(family="passphrase", name=name, comment=comment, expect=expect, fields=fields)

    yield case("composed", "one character for the letter with dots")
    yield case(
        "decomposed", "two characters, and the same key", unicodedata.normalize("NFD", PASSPHRASE)
    )
    yield case(
        "compatible",
        "NFC keeps a ligature that NFKC would take apart",
        "\N{LATIN SMALL LIGATURE FI}sh",
    )
    yield case("spaces", "spaces count", " " + PASSPHRASE + "  ")
    yield case("wide", "beyond 16 bits", "\N{CANDLE}\N{ELECTRIC LIGHT BULB}")
    yield case("as-released", "the cost of a new vault", cost=(64 * 1024, 3, 4))
    yield case("smallest", "the least that is allowed", cost=(8, 1, 1))
    for name, comment, cost in (
        ("no-memory", "no memory", (0, 1, 1)),
        ("little-memory", "less memory than its lanes need", (15, 1, 2)),
        ("too-much-memory", "more than 4 GiB", ((1 << 22) + 1, 1, 1)),
        ("no-passes", "no pass", (64, 0, 1)),
        ("too-many-passes", "65 passes", (64, 65, 1)),
        ("no-lanes", "no lane", (64, 1, 0)),
        ("too-many-lanes", "65 lanes", (1024, 1, 65)),
        ("negative-memory", "memory below zero", (-64, 1, 1)),
    ):
        yield case(name, comment, cost=cost, good=False)


class _Made(NamedTuple):
    """An owner key and the fields of vault.json that wrap it."""

    owner: bytes
    fields: dict[str, Any]


def _wrap(key: bytes, secret: bytes, name: str) -> str:
    nonce = seed(f"nonce {name}", 12)
    return (nonce + AESGCM(key).encrypt(nonce, secret, _VAULT.encode())).hex()


def _made(format_: int) -> _Made:
    owner, device = seed(f"owner key {format_}"), seed("device")
    fields: dict[str, Any] = {
        "format": format_,
        "vault": _VAULT,
        "stretch": _STRETCH,
        "salt": _SALT.hex(),
        "passphrase": _wrap(_stretched(PASSPHRASE, _SALT, 64, 1, 2), owner, "passphrase"),
        "recovery": _wrap(
            HKDF(SHA256(), 32, None, b"twinvault/1/recovery").derive(RECOVERY), owner, "recovery"
        ),
        "device": _wrap(derived(owner, "log/device"), device, "device"),
    }
    if format_ == 2:  # noqa: PLR2004 - the format
        constants = {"mirrors": [seed("mirror").hex()], "root": seed("root").hex()}
        secrets = json.dumps(constants, sort_keys=True).encode()
        signing = Ed25519PrivateKey.from_private_bytes(derived(owner, "log/certificate"))
        fields |= {
            "generation": 1,
            "secrets": _wrap(derived(owner, "log/secrets"), secrets, "secrets"),
            "owner": signing.public_key().public_bytes_raw().hex(),
            "handover": "",
            "transition": "",
            "next_device": "",
        }
    return _Made(owner, fields)


def _dumped(fields: dict[str, Any]) -> bytes:
    return (json.dumps(fields, indent=2, sort_keys=True) + "\n").encode()


def _coded(made: _Made, **changed: object) -> dict[str, Any]:
    """Return fields with the owner's code over them."""
    fields = made.fields | changed
    code = hmac.digest(derived(made.owner, "log/identity"), _dumped(fields | {"mac": ""}), "sha256")
    return fields | {"mac": code.hex()}


def _sealed(fields: dict[str, Any]) -> bytes:
    """Return the file with its checksum."""
    return _dumped(fields | {"sha256": sha256(_dumped(fields)).hexdigest()})


def _case(  # noqa: PLR0917 - the columns of a table
    format_: int, name: str, comment: str, body: bytes, expect: str, secret: str
) -> Case:
    fields: dict[str, bytes | str] = {"secret": secret}
    if expect == SUCCESS:
        fields["owner-key"] = _made(format_).owner
        fields["device"] = seed("device")
    return Case(
        family=f"identity-{format_}",
        name=name,
        comment=comment,
        expect=expect,
        fields=fields,
        body=body,
        readable=body.isascii() and b"\r" not in body and body.endswith(b"\n"),
    )


def _unlocking(format_: int) -> Iterator[Case]:
    good = _sealed(_coded(_made(format_)))
    for name, comment, secret, expect in (
        ("passphrase", "opened by the passphrase", PASSPHRASE, SUCCESS),
        ("recovery-key", "opened by the recovery key", _written(RECOVERY), SUCCESS),
        (
            "recovery-key-typed",
            "opened by the recovery key as typed",
            _written(RECOVERY).lower(),
            SUCCESS,
        ),
        (
            "decomposed",
            "opened by another form of the passphrase",
            unicodedata.normalize("NFD", PASSPHRASE),
            SUCCESS,
        ),
        ("wrong-passphrase", "another passphrase", PASSPHRASE + ".", WRONG_SECRET),
        ("upper-case-passphrase", "the passphrase in upper case", PASSPHRASE.upper(), WRONG_SECRET),
        ("empty-passphrase", "no passphrase", "", WRONG_SECRET),
        (
            "other-recovery-key",
            "the recovery key of another vault",
            _written(bytes(25)),
            WRONG_SECRET,
        ),
    ):
        yield _case(format_, name, comment, good, expect, secret)


def _damaged(format_: int) -> Iterator[Case]:
    """A good file, changed by chance or by an editor."""
    fields = _coded(_made(format_))
    good = _sealed(fields)

    def case(name: str, comment: str, body: bytes, expect: str = MALFORMED) -> Case:
        return _case(format_, name, comment, body, expect, PASSPHRASE)

    number = b'"format": %d' % format_
    yield case("empty", "nothing", b"", FOREIGN)
    yield case("not-json", "no JSON", b"twinvault\n", FOREIGN)
    yield case("array", "an array", b"[1]\n", FOREIGN)
    yield case("cut", "the last brace is missing", good[:-3] + b"\n", FOREIGN)
    yield case("no-format", "no format", good.replace(number + b",\n", b""), FOREIGN)
    yield case(
        "format-text",
        "the format as a text",
        good.replace(number, b'"format": "%d"' % format_),
        FOREIGN,
    )
    yield case(
        "format-fraction", "the format as a fraction", good.replace(number, number + b".0"), FOREIGN
    )
    yield case("no-line-break", "the last line break is missing", good[:-1])
    yield case("line-break-behind", "a line break more", good + b"\n")
    yield case("crlf", "line ends of another system", good.replace(b"\n", b"\r\n"))
    yield case(
        "one-line", "all on one line", json.dumps(json.loads(good), sort_keys=True).encode() + b"\n"
    )
    yield case(
        "unsorted",
        "the fields in another order",
        json.dumps(dict(sorted(json.loads(good).items(), reverse=True)), indent=2).encode() + b"\n",
    )
    yield case(
        "twice",
        "a field that stands there twice",
        good.replace(b"{\n", b'{\n  "vault": "%b",\n' % _VAULT.encode(), 1),
    )
    yield case(
        "field-missing",
        "no salt",
        _dumped({k: v for k, v in json.loads(good).items() if k != "salt"}),
    )
    yield case("checksum-missing", "no checksum", _dumped(fields))
    yield case("field-added", "a field that is not of this format", _sealed(fields | {"more": ""}))
    yield case(
        "upper-case",
        "hexadecimal digits in upper case",
        _sealed(fields | {"device": fields["device"].upper()}),
    )
    yield case(
        "not-hexadecimal", "a field that is not hexadecimal", _sealed(fields | {"salt": "salt"})
    )
    yield case(
        "checksum-flipped",
        "a digit of the checksum",
        _sealed(fields).replace(b'"sha256": "', b'"sha256": "f', 1)[:],
    )
    yield case(
        "flipped",
        "a digit of the wrapped owner key",
        good.replace(b'"passphrase": "', b'"passphrase": "0', 1),
    )


def _forged(format_: int) -> Iterator[Case]:
    """A file changed on purpose, its checksum made anew."""
    made = _made(format_)
    fields = _coded(made)

    def case(name: str, comment: str, expect: str, **changed: object) -> Case:
        return _case(format_, name, comment, _sealed(fields | changed), expect, PASSPHRASE)

    def flip(name: str) -> str:
        return flipped(bytes.fromhex(fields[name]), 150).hex()

    yield case("forged-salt", "another salt", WRONG_SECRET, salt=seed("other salt", 16).hex())
    yield case(
        "forged-passphrase",
        "a bit of the wrapped owner key",
        WRONG_SECRET,
        passphrase=flip("passphrase"),
    )
    yield case("forged-vault", "another vault's id", WRONG_SECRET, vault="00c0ffee00c0ffef")
    yield case(
        "forged-recovery",
        "a bit of what the other secret opens",
        MALFORMED,
        recovery=flip("recovery"),
    )
    yield case("forged-device", "a bit of the wrapped device key", MALFORMED, device=flip("device"))
    yield case("forged-code", "a bit of the owner's code", MALFORMED, mac=flip("mac"))
    yield case("forged-no-code", "no code", MALFORMED, mac="")
    easy = {"stretch": {"lanes": 1, "memory": 8, "passes": 1}}
    yield case("forged-cost", "a derivation that costs less", WRONG_SECRET, **easy)
    weak = {"stretch": {"lanes": 2, "memory": 8, "passes": 1}}
    yield case("forged-refused-cost", "a derivation that no program may do", FOREIGN, **weak)
    huge = {"stretch": {"lanes": 2, "memory": 1 << 40, "passes": 1}}
    yield case("forged-huge-cost", "a derivation that never ends", FOREIGN, **huge)
    if format_ == 2:  # noqa: PLR2004 - the format
        yield case(
            "forged-owner", "another owner's public key", MALFORMED, owner=seed("other owner").hex()
        )
        yield case("forged-generation", "a later generation", MALFORMED, generation=2)
        other = _coded(made, owner=seed("other owner").hex())
        body = _sealed(other)
        comment = "a public key that is not the owner's, under the owner's code"
        yield _case(format_, "coded-owner", comment, body, MALFORMED, PASSPHRASE)
        body = _sealed(_coded(made, secrets=flip("secrets")))
        comment = "secrets that do not open, under the owner's code"
        yield _case(format_, "coded-secrets", comment, body, MALFORMED, PASSPHRASE)


def _newer() -> Iterator[Case]:
    fields = _coded(_made(2), format=3)
    for number in (0, 3, 10**30):
        body = _sealed(fields | {"format": number})
        yield Case(
            family="identity-newer",
            name=f"format-{number}" if number < 10 else "format-huge",  # noqa: PLR2004 - a digit
            comment="a format that does not exist yet",
            expect=FOREIGN,
            fields={"secret": PASSPHRASE},
            body=body,
            readable=True,
        )


def _derivations() -> Iterator[Case]:
    """Keys for one purpose, and the blinded forms of what is not to be seen."""
    key = seed("root")
    for label in ("log/natural-key", "log/content", "log/scope-name", "derived/views", ""):
        yield Case(
            family="derived",
            name=label.replace("/", "-") or "empty",
            comment="HKDF-Expand-SHA-256",
            fields={"key": key, "label": label, "derived": derived(key, label)},
        )
    blinding = derived(key, "log/natural-key")
    for name, comment, text in (
        ("natural-key", "source and id, a unit separator between them", b"mbox\x1f<1@a.example>"),
        ("scope", "source and conversation", b"mbox\x1f<0@a.example>"),
        ("ledger", "the scope of what is no item", b"ledger"),
        ("long", "a thousand bytes", seed("long", 1000)),
        ("nothing", "nothing stays zeros", b""),
    ):
        digest = blake2b(text, key=blinding, digest_size=16).digest() if text else bytes(16)
        fields = {"key": blinding, "text": text, "blinded": digest}
        yield Case(family="blinded", name=name, comment=comment, fields=fields)


def _handovers() -> Iterator[Case]:
    """An owner key that names the one that takes its place."""
    old, new, other = (
        Ed25519PrivateKey.from_private_bytes(seed(f"owner {n}")) for n in ("1", "2", "x")
    )
    raw = {key: key.public_key().public_bytes_raw() for key in (old, new, other)}

    def signed(key: Ed25519PrivateKey, named: bytes, generation: int) -> bytes:
        return key.sign(b"twinvault/owner/2\n" + named + generation.to_bytes(8, "big"))

    good = signed(old, raw[new], 2)
    for name, comment, expect, named, generation, signature in (
        ("named", "the second generation", SUCCESS, raw[new], 2, good),
        ("other-key", "another key", BAD_SIGNATURE, raw[other], 2, good),
        ("other-generation", "another generation", BAD_SIGNATURE, raw[new], 3, good),
        (
            "by-itself",
            "a key that names itself",
            BAD_SIGNATURE,
            raw[new],
            2,
            signed(new, raw[new], 2),
        ),
        (
            "by-another",
            "named by a stranger",
            BAD_SIGNATURE,
            raw[new],
            2,
            signed(other, raw[new], 2),
        ),
        ("unsigned", "no signature", BAD_SIGNATURE, raw[new], 2, b""),
        ("flipped", "one bit", BAD_SIGNATURE, raw[new], 2, flipped(good, 7)),
        (
            "bare",
            "without the words before it",
            BAD_SIGNATURE,
            raw[new],
            2,
            old.sign(raw[new] + good[:8]),
        ),
    ):
        fields: dict[str, bytes | int] = {"old": raw[old], "new": named}
        fields |= {"generation": generation, "signature": signature}
        yield Case(family="handover", name=name, comment=comment, expect=expect, fields=fields)
