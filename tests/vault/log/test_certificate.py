"""A device's certificate: how it is written, and that nothing but the owner's key makes one."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from vault.errors import BadSignature
from vault.log.certificate import NO_LIMIT, Certificate, certify, fingerprint

OWNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
DEVICE = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))).public_key()
PUBLIC = DEVICE.public_bytes_raw()


def test_what_the_owner_signs_is_the_key_and_the_number():
    for most in (0, 7, NO_LIMIT):
        certificate = certify(OWNER, PUBLIC, most)
        text = b"twinvault/device/2\n" + PUBLIC + most.to_bytes(8, "big")
        OWNER.public_key().verify(certificate.signature, text)
        assert certificate.check(OWNER.public_key()) == DEVICE
        assert certificate.feed == PUBLIC[:8]
    assert certify(OWNER, PUBLIC).most == NO_LIMIT


def test_it_is_written_as_key_number_and_signature():
    for most in (1000, NO_LIMIT):
        certificate = certify(OWNER, PUBLIC, most)
        content = certificate.encode()
        assert content == PUBLIC + most.to_bytes(8, "big") + certificate.signature
        assert Certificate.decode(content) == certificate


def test_another_owner_key_or_number_is_refused():
    good = certify(OWNER, PUBLIC, 7)
    for bad in (
        good._replace(most=8),
        good._replace(most=-1),
        good._replace(most=1 << 64),
        good._replace(public_key=bytes(32)),
        good._replace(public_key=PUBLIC[:31]),
        good._replace(signature=bytes(64)),
        certify(OWNER, PUBLIC[:31], 7),
    ):
        with pytest.raises(BadSignature) as caught:
            bad.check(OWNER.public_key())
        assert str(caught.value) == "A device's certificate is not from the vault's owner."
    other = Ed25519PrivateKey.generate()
    with pytest.raises(BadSignature):
        good.check(other.public_key())


def test_people_compare_a_key_in_groups_of_four():
    assert fingerprint(bytes(range(6))) == "0001 0203 0405"
    assert fingerprint(PUBLIC).replace(" ", "") == PUBLIC.hex()
