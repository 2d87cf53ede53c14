"""A body opens under its own key alone, and only if it is what was sealed."""

import gc

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from logkit import create, drafts, forget

from vault.codec import encode
from vault.errors import TamperError
from vault.events import OwnerNamed
from vault.log.cycles import unsearched
from vault.log.envelope import FIXED, HASH_SIZE, NO_TAG, NONCE, VERSION, open_body
from vault.log.keys import Slot
from vault.log.opening import opened

EVENT = OwnerNamed(names=("Mara",))
FIRST, SECOND = bytes([1]) * 32, bytes([2]) * 32


def block(key: bytes, plain: bytes) -> int:
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return int.from_bytes(encryptor.update(plain))


def times(x: int, y: int) -> int:
    """The product in the field of GHASH, whose bits run from the left."""
    product = 0
    for bit in range(127, -1, -1):
        if y >> bit & 1:
            product ^= x
        x = x >> 1 ^ (0xE1 << 120 if x & 1 else 0)
    return product


def power(x: int, exponent: int) -> int:
    result = 1 << 127
    for bit in f"{exponent:b}":
        result = times(result, result)
        if bit == "1":
            result = times(result, x)
    return result


def tag(key: bytes, signed: bytes, sealed: bytes) -> int:
    """The tag of AES-GCM under a nonce of zeros."""
    lengths = (len(signed) * 8).to_bytes(8) + (len(sealed) * 8).to_bytes(8)
    text = b"".join(part + bytes(-len(part) % 16) for part in (signed, sealed)) + lengths
    hash_, h = 0, block(key, bytes(16))
    for at in range(0, len(text), 16):
        hash_ = times(hash_ ^ int.from_bytes(text[at : at + 16]), h)
    return hash_ ^ block(key, NONCE + b"\0\0\0\1")


def for_two_keys(signed: bytes, opening: bytes) -> bytes:
    """A body that AES-GCM opens under two keys, the text under the first one beginning as given."""
    pad = AESGCM(FIRST).encrypt(NONCE, bytes(len(opening)), b"")[: len(opening)]
    start = bytes(a ^ b for a, b in zip(opening, pad, strict=True))
    apart = tag(FIRST, signed, start + bytes(16)) ^ tag(SECOND, signed, start + bytes(16))
    # The last block stands one before the lengths: it counts with the square.
    squares = [power(block(key, bytes(16)), 2) for key in (FIRST, SECOND)]
    last = times(apart, power(squares[0] ^ squares[1], 2**128 - 2)).to_bytes(16)
    return start + last + tag(FIRST, signed, start + last).to_bytes(16)


def header(version: int, page: int = 1, slot: int = 0, feed: bytes = bytes(8)) -> bytes:
    name = b"owner.named/1"
    return FIXED.pack(version, len(name), feed, 0, 1, page, slot, NO_TAG, NO_TAG) + name


def test_a_body_made_for_two_keys_opens_under_one_at_most():
    body = for_two_keys(header(1), bytes(32))
    assert len({open_body(key, header(1), body) for key in (FIRST, SECOND)}) == 2
    body = for_two_keys(header(2), bytes(32))
    open_body(FIRST, header(2), body)
    with pytest.raises(InvalidTag):
        open_body(SECOND, header(2), body)


def test_a_body_begins_with_every_one_of_the_zeros():
    for at in range(32):
        zeros = bytearray(32)
        zeros[at] = 1
        with pytest.raises(InvalidTag):
            open_body(FIRST, header(2), AESGCM(FIRST).encrypt(NONCE, zeros + b"x", header(2)))
    assert open_body(FIRST, header(2), AESGCM(FIRST).encrypt(NONCE, bytes(32), header(2))) == b""
    with pytest.raises(InvalidTag):
        open_body(FIRST, header(2), AESGCM(FIRST).encrypt(NONCE, bytes(31), header(2)))


@pytest.fixture
def log(tmp_path):
    log = create(tmp_path)
    yield log
    log.close()


def entry(log, version, plain, slot=0):
    """An entry as a device of the vault would write it, and the key of its body."""
    [(key, page, _)] = log.keys.issue(["ledger"])
    signed = header(version, page, slot, log.feed)
    body = AESGCM(key).encrypt(NONCE, plain, signed)
    return signed + bytes(HASH_SIZE) + body, Slot((log.feed, page), 0)


def test_both_versions_open(log):
    for version, zeros in ((1, b""), (VERSION, bytes(32))):
        data, _ = entry(log, version, zeros + encode(EVENT))
        [found] = opened([(7, data)], log.keys)
        assert found == (7, f"{log.feed.hex()}-0", "owner.named/1", 1, EVENT, False, b"", False)


@pytest.mark.parametrize(
    ("plain", "sentence"),
    [
        (encode(EVENT), "does not open"),
        (bytes(31) + b"\1" + encode(EVENT), "does not open"),
        (bytes(31), "does not open"),
        (bytes(32), "cannot be decoded"),
        (bytes(32) + b"\xc1", "cannot be decoded"),
    ],
)
def test_a_body_that_was_not_sealed_as_it_should_be_is_named(log, plain, sentence):
    data, _ = entry(log, VERSION, plain)
    with pytest.raises(TamperError, match=f"The entry at 7 {sentence}"):
        opened([(7, data)], log.keys)


def test_a_flip_in_header_or_body_does_not_open(log):
    data, _ = entry(log, VERSION, bytes(32) + encode(EVENT))
    cut = len(header(VERSION))
    for at in (20, 60, cut + HASH_SIZE, len(data) - 1):
        bad = bytearray(data)
        bad[at] ^= 1
        with pytest.raises(TamperError, match="The entry at 7 does not open"):
            opened([(7, bytes(bad))], log.keys)


def test_what_has_no_key_or_no_body_any_more_was_erased(log):
    data, slot = entry(log, VERSION, bytes(32) + encode(EVENT))
    elsewhere, _ = entry(log, VERSION, bytes(32) + encode(EVENT), slot=1)
    cut = data[: len(header(VERSION)) + HASH_SIZE]
    found = opened([(1, data), (2, cut), (3, elsewhere)], log.keys)
    assert [(one.event, one.erased) for one in found] == [
        (EVENT, False),
        (None, True),
        (None, True),
    ]
    log.keys.destroy([slot])
    [found] = opened([(1, data)], log.keys)
    assert (found.event, found.erased) == (None, True)


def test_an_erased_entry_between_others_is_told_apart(log):
    ids = log.append(drafts(0, 3))
    forget(log, [ids[1]])
    [_, page, _] = log.pages()
    assert [one.erased for one in page.entries] == [False, True, False]
    assert [one.id for one in page.entries] == list(ids)
    assert all(one.at.timestamp() == one.time // 1000 / 1e6 for one in page.entries)


def test_the_search_for_cycles_goes_on_as_it_was():
    assert gc.isenabled()
    with unsearched():
        with unsearched():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_the_search_for_cycles_goes_on_after_an_error(log):
    data, _ = entry(log, VERSION, b"")
    with pytest.raises(TamperError):
        opened([(7, data)], log.keys)
    assert gc.isenabled()


def test_cycles_are_searched_for_between_pages(log):
    log.append(drafts(0, 3))
    for _ in log.pages():
        assert gc.isenabled()
    for _ in log.sealed():
        assert gc.isenabled()
