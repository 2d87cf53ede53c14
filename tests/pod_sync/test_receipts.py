"""Receipts that another tool checks."""

import json
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest
import rdflib
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from pod_sync.receipts import canonical_json, device_name, receipt
from tests.pod_sync.another_tool import bytes_of, check, scheme
from tests.pod_sync.said import NOW, OWNER, ciphers, saying, sayings, statement
from vault.consent import Effect, Profile, Purpose, Statement

DEVICE = Ed25519PrivateKey.from_private_bytes(b"d" * 32)
PUBLIC = DEVICE.public_key().public_bytes_raw()


def sign(options, document):
    return DEVICE.sign(sha256(options).digest() + sha256(document).digest())


def written(words, withdrawn=(), *, observed=False):
    [said] = saying(words, withdrawn=withdrawn)
    said = replace(said, observed=observed)
    return receipt(said, OWNER, ciphers(), public_key=PUBLIC, sign=sign, at=NOW)


@given(sayings())
@settings(max_examples=20, deadline=None)
def test_another_tool_finds_every_receipt_signed(said):
    for one in said:
        if isinstance(one.words, Statement):
            check(receipt(one, OWNER, ciphers(), public_key=PUBLIC, sign=sign, at=NOW))


def test_another_tool_finds_every_change():
    content = written(statement())
    check(content)
    for before, after in ((b"ConsentGiven", b"ConsentRefused"), (b"v:Train", b"v:Share")):
        with pytest.raises(InvalidSignature):
            check(content.replace(before, after))
    with pytest.raises(InvalidSignature):
        check(content.replace(b"11-21T09:00:00Z", b"11-22T09:00:00Z"))


def test_the_standards_own_example_has_the_standards_signature():
    # W3C Data Integrity EdDSA Cryptosuites 1.0, appendix B.2: its credential and its key.
    context = [f"https://www.w3.org/ns/credentials/{part}v2" for part in ("", "examples/")]
    name = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
    credential = {
        "@context": context,
        "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
        "type": ["VerifiableCredential", "AlumniCredential"],
        "name": "Alumni Credential",
        "description": "A minimum viable example of an Alumni Credential.",
        "issuer": "https://vc.example/issuers/5678",
        "validFrom": "2023-01-01T00:00:00Z",
        "credentialSubject": {"id": "did:example:abcdefgh", "alumniOf": "The School of Examples"},
    }
    proof = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "created": "2023-02-24T23:36:38Z",
        "verificationMethod": f"https://vc.example/issuers/5678#{name}",
        "proofPurpose": "assertionMethod",
        "@context": context,
    }
    hashed = b"".join(sha256(canonical_json(one)).digest() for one in (proof, credential))
    public = bytes_of(name)[2:]
    assert device_name(public) == f"did:key:{name}"
    signature = bytes_of(
        "z63t83Y53KfzJ5ZosfKTnqfMcKB2dmTrfjSaQjeNNjAD5srBowQfmWqeRb8rRjmeEuCBEsddF9LsVogtuTsijJKh4"
    )
    Ed25519PublicKey.from_public_bytes(public).verify(signature, hashed)


@given(st.dictionaries(st.text(st.characters(max_codepoint=126)), st.text() | st.integers(0, 9)))
def test_json_is_written_as_the_canonicalization_scheme_does(value):
    assert canonical_json(value).decode() == scheme(value)


@given(st.binary(min_size=32, max_size=32))
def test_a_key_is_found_again_in_its_name(key):
    assert bytes_of(device_name(key).removeprefix("did:key:")) == b"\xed\x01" + key


# What a receipt says.

QUERY = """
PREFIX dpv: <https://w3id.org/dpv#> PREFIX v: <urn:uuid:b876bc4f-2ada-4073-acd8-29d8c8d19d9e#>
SELECT * WHERE {
  ?receipt a dpv:ConsentReceipt ; dpv:hasDataSubject ?subject ; dpv:hasProcess ?process ;
    <http://purl.org/dc/terms/conformsTo> <https://w3id.org/dpv/schema/dpv-27560#receipt> .
  ?process dpv:hasPurpose ?purpose ; dpv:hasPersonalData ?data ;
    dpv:hasConsentStatus [ a ?status ; dpv:isIndicatedAtTime ?at ; dpv:isIndicatedBy ?subject ] .
  ?data v:dataType ?type .
  OPTIONAL { ?process v:redaction ?redaction } OPTIONAL { ?process dpv:hasRecipient ?recipient }
  OPTIONAL { ?data v:person ?person }
}
"""


def found(content):
    [row] = rdflib.Graph().parse(data=content, format="json-ld").query(QUERY)
    return {name: str(value).rpartition("#")[2] for name, value in row.asdict().items()}


@pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib")
def test_a_receipt_is_json_ld_that_says_what_the_owner_said():
    bob = statement(person="bob@x.example", redact=Profile.STRICT, expires=NOW + timedelta(9))
    said = found(written(bob))
    assert (said["purpose"], said["status"], said["type"], said["redaction"]) == (
        ("Train", "ConsentGiven", "message.email", "Strict")
    )
    assert said["person"].startswith("urn:uuid:")
    assert b"bob" not in written(bob).lower()
    assert b"2026-11-30T09:00:00+00:00" in written(bob)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib")
def test_a_receipt_tells_a_withdrawal_from_a_refusal():
    denied = statement(Effect.DENY, purpose=Purpose.SHARE, recipient="https://a.example/me")
    assert found(written(denied))["status"] == "ConsentRefused"
    assert found(written(denied, withdrawn={denied.id}))["status"] == "ConsentWithdrawn"
    assert found(written(denied))["recipient"] == "https://a.example/me"


def test_the_receipt_of_what_another_application_wrote_does_not_name_the_owner_as_its_author():
    paper = written(statement(Effect.DENY), observed=True)
    check(paper)
    [status] = json.loads(paper)["dpv:hasProcess"][0]["dpv:hasConsentStatus"]
    assert "dpv:isIndicatedBy" not in status
    assert status["dpv:isExercisedAt"] == "a document in the owner's pod"
