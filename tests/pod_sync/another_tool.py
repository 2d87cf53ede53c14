"""A tool that checks receipts and knows of nobody but `cryptography`."""

import json
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def bytes_of(multibase):
    assert multibase[0] == "z"
    number = 0
    for digit in multibase[1:]:
        digits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
        number = number * 58 + digits.index(digit)
    zeros = len(multibase) - len(multibase[1:].lstrip("1")) - 1
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8)


def scheme(value):
    """RFC 8785, member by member."""
    if isinstance(value, dict):
        pairs = sorted(value.items(), key=lambda pair: pair[0].encode("utf-16-be"))
        return "{" + ",".join(f"{scheme(key)}:{scheme(one)}" for key, one in pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(scheme, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def check(content):
    """Verify a proof of eddsa-jcs-2022 (W3C Data Integrity EdDSA Cryptosuites 1.0, 3.3)."""
    document = json.loads(content)
    proof = document.pop("proof")
    signature = bytes_of(proof.pop("proofValue"))
    assert proof["cryptosuite"] == "eddsa-jcs-2022"
    assert proof["@context"] == document["@context"]
    device, _, fragment = proof["verificationMethod"].partition("#")
    assert device == f"did:key:{fragment}" == document["dct:creator"]
    kind, public = bytes_of(fragment)[:2], bytes_of(fragment)[2:]
    assert kind == b"\xed\x01"
    hashed = b"".join(sha256(scheme(one).encode()).digest() for one in (proof, document))
    Ed25519PublicKey.from_public_bytes(public).verify(signature, hashed)
    return document
