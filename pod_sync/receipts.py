"""Consent receipts that any tool can check: ISO/IEC TS 27560 in the terms of DPV, signed.

A receipt is JSON-LD whose context is inside it, so that nothing has to be fetched to read it,
with a W3C Data Integrity proof of the cryptosuite eddsa-jcs-2022: a bare Ed25519 signature by
the device, whose key is its name (did:key). Nobody but the owner is named in it.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid5

from pod_sync.graph import Said
from pod_sync.opaque import Ciphers, Kind
from pod_sync.vocabulary import (
    BROADER,
    PREFIXES,
    PROFILE,
    PURPOSES,
    REDACTIONS,
    SKOS,
    category,
    compact,
)
from vault.consent import Effect, Purpose, Statement

__all__ = ["Json", "Sign", "canonical_json", "device_name", "receipt"]

Json = dict[str, object]
"""A JSON object: texts, integers, lists and objects under keys of ASCII."""

Sign = Callable[[bytes, bytes], bytes]
"""The device's bare Ed25519 signature over the SHA-256 of the first and that of the second."""

_SCHEMA: Final = "https://w3id.org/dpv/schema/dpv-27560#receipt"
_IRI: Final = {"@type": "@id"}
_TIME: Final = {"@type": "xsd:dateTime"}
_CONTEXT: Final[Json] = (
    {"@version": 1.1, "sec": "https://w3id.org/security#", "skos": SKOS}
    | PREFIXES
    | dict.fromkeys(("dct:conformsTo", "dct:creator", "skos:broader"), _IRI)
    | dict.fromkeys(
        (
            "dpv:hasDataController",
            "dpv:hasDataSource",
            "dpv:hasLegalBasis",
            "dpv:hasProcessing",
            "dpv:hasRecipient",
            "dpv:isIndicatedBy",
            "v:conversation",
            "v:person",
            "v:redaction",
        ),
        _IRI,
    )
    | dict.fromkeys(("dct:created", "dpv:isIndicatedAtTime", "v:since", "v:until"), _TIME)
    | {
        "proof": {"@id": "sec:proof", "@container": "@graph"},
        "DataIntegrityProof": "sec:DataIntegrityProof",
        "cryptosuite": {"@id": "sec:cryptosuite", "@type": "sec:cryptosuiteString"},
        "created": {"@id": "dct:created", "@type": "xsd:dateTime"},
        "verificationMethod": {"@id": "sec:verificationMethod", "@type": "@id"},
        "proofPurpose": {"@id": "sec:proofPurpose", "@type": "@vocab"},
        "assertionMethod": {"@id": "sec:assertionMethod", "@type": "@id"},
        "proofValue": {"@id": "sec:proofValue", "@type": "sec:multibase"},
        "type": "@type",
    }
)
_PROCESSING: Final = {
    Purpose.COLLECT: "dpv:Store",
    Purpose.MIRROR: "dpv:Copy",
    Purpose.SEARCH: "dpv:Retrieve",
    Purpose.TRAIN: "dpv:Derive",
    Purpose.SHARE: "dpv:Share",
}


def receipt(
    said: Said, owner: str, ciphers: Ciphers, *, public_key: bytes, sign: Sign, at: datetime
) -> bytes:
    """Write the signed receipt of a statement.

    Args:
        said: A statement; a pause is no consent, and has no receipt.
        owner: The owner's WebID, who is data subject and controller in one.
        ciphers: What hides people, conversations and the like.
        public_key: The device's Ed25519 key, raw.
        sign: What signs with it.
        at: When the receipt is signed.

    Returns:
        JSON-LD, UTF-8: the same bytes for the same arguments.
    """
    assert isinstance(said.words, Statement)
    device = device_name(public_key)
    document = _document(said, said.words, owner, device, ciphers)
    proof: Json = {
        "@context": document["@context"],
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "created": _second(at),
        "verificationMethod": f"{device}#{device.removeprefix('did:key:')}",
        "proofPurpose": "assertionMethod",
    }
    signature = sign(canonical_json(proof), canonical_json(document))
    signed = document | {"proof": proof | {"proofValue": "z" + _base58(signature)}}
    return json.dumps(signed, ensure_ascii=False, indent=1).encode() + b"\n"


def canonical_json(value: Json) -> bytes:
    """Write a value as the JSON Canonicalization Scheme does (RFC 8785).

    Of numbers, integers below 2**53 and short decimals alone are used here, which Python
    writes as ECMAScript does; keys are ASCII, in which code units and points sort alike.
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def device_name(public_key: bytes) -> str:
    """Return the did:key of a raw Ed25519 key."""
    return "did:key:z" + _base58(b"\xed\x01" + public_key)


def _document(said: Said, words: Statement, owner: str, device: str, ciphers: Ciphers) -> Json:
    about = category(words.type)
    identifier = str(uuid5(UUID(PROFILE.removeprefix("urn:uuid:")), words.id))
    return {
        "@context": _CONTEXT,
        "@id": f"urn:uuid:{identifier}",
        "@type": ["dpv:ConsentReceipt", "dpv:ConsentRecord"],
        "dct:conformsTo": _SCHEMA,
        "dpv:hasIdentifier": identifier,
        "dct:identifier": words.id,
        "dct:created": said.at.astimezone(UTC).isoformat(),
        "dct:creator": device,
        "dct:language": "en",
        "dpv:hasDataSubject": {
            "@id": owner,
            "@type": ["dpv:DataSubject", "dpv:DataController"],
            "dpv:hasIdentifier": owner,
        },
        "dpv:hasNotice": [
            {
                "@type": ["dpv:ConsentNotice"],
                "dpv:hasIdentifier": f"twinvault/consent/{words.type}.ttl",
            }
        ],
        "dpv:hasProcess": [_process(said, words, owner, compact(about), ciphers)],
    }


def _process(said: Said, words: Statement, owner: str, about: str, ciphers: Ciphers) -> Json:
    use = PURPOSES[words.purpose]
    shared = words.purpose is Purpose.SHARE and words.recipient
    recipients = [ciphers.shown(Kind.RECIPIENT, words.recipient)] if shared else []
    return {
        "@type": ["dpv:Process"],
        "dpv:hasPurpose": [
            {
                "@id": compact(use.purpose),
                "@type": ["dpv:Purpose"],
                "skos:broader": [compact(BROADER[words.purpose])],
                "skos:prefLabel": use.words,
            }
        ],
        "dpv:hasPersonalData": [
            {
                "@type": ["dpv:PersonalData"],
                "skos:broader": [about],
                "skos:prefLabel": f"items of the type {words.type}",
                "v:dataType": words.type,
            }
            | _narrowed(words, ciphers)
        ],
        "dpv:hasProcessing": [_PROCESSING[words.purpose]],
        "dpv:hasDataController": [owner],
        "dpv:hasDataSource": ["dpv:DataSubjectDataSource"],
        "dpv:hasStorageCondition": [
            {
                "@type": ["dpv:StorageLocation", "dpv:StorageDuration"],
                "dpv:hasLocation": {"skos:prefLabel": "the owner's devices and her pod, sealed"},
                "dpv:hasDuration": {
                    "@type": ["dpv:UntilEventDuration"],
                    "rdf:value": "The owner erases the items.",
                },
            }
        ],
        "dpv:hasRecipient": recipients,
        "dpv:hasLegalBasis": ["dpv:ExplicitlyExpressedConsent"],
        "dpv:hasConsentStatus": [_status(said, words, owner)],
    } | _redaction(words)


def _status(said: Said, words: Statement, owner: str) -> Json:
    status: Json = {
        "@type": [f"dpv:{said.status}"],
        "dpv:isIndicatedAtTime": said.at.astimezone(UTC).isoformat(),
        "dpv:isExercisedAt": "a document in the owner's pod",
    }
    if not said.observed:
        status["dpv:isIndicatedBy"] = owner
        status["dpv:isExercisedAt"] = "the owner's vault: twin consent"
    if words.expires is not None:
        until = words.expires.astimezone(UTC).isoformat()
        status["dpv:hasDuration"] = {"@type": ["dpv:UntilTimeDuration"], "rdf:value": until}
    return status


def _narrowed(words: Statement, ciphers: Ciphers) -> Json:
    """What narrows the items, opaque where it names somebody."""
    filters = words.filters
    found: Json = {}
    if filters.source:
        shown = ciphers.shown(Kind.SOURCE, filters.source)
        found["v:source"] = {"@id": shown} if ":" in shown else shown
    if filters.conversation:
        found["v:conversation"] = ciphers.iri(Kind.CONVERSATION, filters.conversation)
    if filters.person:
        found["v:person"] = ciphers.iri(Kind.PERSON, filters.person)
    for name, time in (("v:since", filters.since), ("v:until", filters.until)):
        if time is not None:
            found[name] = time.astimezone(UTC).isoformat()
    return found


def _redaction(words: Statement) -> Json:
    profile = REDACTIONS.get(words.redact) if words.effect is Effect.ALLOW else None
    return {"v:redaction": compact(profile)} if profile else {}


def _second(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


_DIGITS: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def _base58(content: bytes) -> str:
    """Return the base58btc of W3C Controlled Identifiers, section 2.4."""
    number = int.from_bytes(content)
    digits = []
    while number:
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    zeros = len(content) - len(content.lstrip(b"\0"))
    return _DIGITS[0] * zeros + "".join(reversed(digits))
