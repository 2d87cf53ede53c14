"""What a person types to unlock: a passphrase, or the recovery key from paper.

A passphrase goes through Argon2id with stored parameters; a recovery key is random and
needs no stretching, so one HKDF step suffices.
"""

import base64
import binascii
import hashlib
import os
import re
import secrets
import unicodedata
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vault.errors import ForeignVault, TamperError

__all__ = [
    "Stretch",
    "beside_recovery_key",
    "new_recovery_key",
    "recovery_bytes",
    "recovery_page",
    "recovery_text",
    "recovery_wrapping_key",
    "refusal",
    "sealed_beside",
]

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: nothing looks like another
_VALUE = {letter: value for value, letter in enumerate(_ALPHABET)} | {"O": 0, "I": 1, "L": 1}
_KEY_BYTES = 25
_KEY_LETTERS = 40
_CHECK_LETTERS = 5
_GROUP = 5
_GROUPS = (_KEY_LETTERS + _CHECK_LETTERS) // _GROUP
_TITLE = "Twinvault recovery key"
_MOST = (4 * 1024 * 1024, 64, 64)
_BESIDE = "TWINVAULT-POD-1"
_BESIDE_LETTERS = re.compile(rf"{_BESIDE}((?:\s+[A-Z2-7]{{1,64}})+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Argon2id's cost: memory in KiB, passes over it, lanes."""

    memory: int = 64 * 1024
    passes: int = 3
    lanes: int = 4

    def key(self, passphrase: str, salt: bytes) -> bytes:
        """Return the wrapping key of a passphrase.

        Raises:
            ForeignVault: The parameters are out of bounds: not what this program writes.
        """
        cost = (self.memory, self.passes, self.lanes)
        if self.memory < 8 * self.lanes or not all(
            1 <= value <= most for value, most in zip(cost, _MOST, strict=True)
        ):
            raise ForeignVault("vault.json asks for a key derivation that this program refuses.")
        argon = Argon2id(
            salt=salt,
            length=32,
            iterations=self.passes,
            lanes=self.lanes,
            memory_cost=self.memory,
        )
        # The same words typed on another system may arrive composed differently.
        return argon.derive(unicodedata.normalize("NFC", passphrase).encode())


def new_recovery_key() -> bytes:
    """Return a random recovery key."""
    return secrets.token_bytes(_KEY_BYTES)


def _letters(number: int, count: int) -> str:
    return "".join(_ALPHABET[number >> 5 * i & 31] for i in reversed(range(count)))


def _check(key: bytes) -> str:
    digest = hashlib.sha256(b"twinvault recovery key\n" + key).digest()
    return _letters(int.from_bytes(digest[:4], "big") >> 7, _CHECK_LETTERS)


def recovery_text(key: bytes) -> str:
    """Return a recovery key as it is printed: groups of five, the last one a checksum."""
    text = _letters(int.from_bytes(key, "big"), _KEY_LETTERS) + _check(key)
    return "-".join(text[i : i + _GROUP] for i in range(0, len(text), _GROUP))


def recovery_bytes(text: str) -> bytes | None:
    """Return the recovery key that somebody typed, or None where it is none.

    The whole printed page will do as well.
    """
    found = (_typed(part) for part in (text, *text.splitlines()))
    return next((key for key in found if key is not None), None)


def _typed(text: str) -> bytes | None:
    letters = [letter for letter in text.upper() if not letter.isspace() and letter != "-"]
    if len(letters) != _KEY_LETTERS + _CHECK_LETTERS or not _VALUE.keys() >= set(letters):
        return None
    number = 0
    for letter in letters[:_KEY_LETTERS]:
        number = number << 5 | _VALUE[letter]
    key = number.to_bytes(_KEY_BYTES, "big")
    typed = [_VALUE[letter] for letter in letters[_KEY_LETTERS:]]
    return key if typed == [_VALUE[letter] for letter in _check(key)] else None


def refusal(secret: str) -> str:
    """Say in one sentence why a secret does not open the vault, as far as its form tells."""
    if recovery_bytes(secret) is not None:
        return (
            "This recovery key does not open the vault: it is another vault's, or a newer page "
            "has taken its place; use the newest page, or the passphrase."
        )
    for line in secret.splitlines():
        groups = _groups(line)
        if groups:
            return (
                f"The passphrase is wrong, and as a recovery key {_slip(groups)}; compare it "
                "with the page."
            )
    if _TITLE in secret:
        return "This page holds no recovery key any more; use another copy, or the passphrase."
    return "The passphrase is wrong; type it again, or type the recovery key instead."


def _groups(line: str) -> list[str]:
    """Return the groups of a line that was meant as a recovery key, else nothing."""
    groups = re.split(r"[\s-]+", line.strip().upper())
    if len(groups) == 1:
        groups = re.findall(f".{{1,{_GROUP}}}", groups[0])
    whole = sum(len(group) == _GROUP for group in groups)
    possible = sum(letter in _VALUE for group in groups for letter in group)
    meant = (
        abs(len(groups) - _GROUPS) <= 1
        and whole >= _GROUPS - 2
        and possible >= _KEY_LETTERS - _GROUP
    )
    return groups if meant else []


def _slip(groups: list[str]) -> str:
    foreign = [n for n, group in enumerate(groups, 1) if not _VALUE.keys() >= set(group)]
    if foreign:
        return f"a letter that no key has stands in {_listed(foreign)}"
    if len(groups) != _GROUPS:
        return f"there are {len(groups)} groups where a key has {_GROUPS}"
    odd = [n for n, group in enumerate(groups, 1) if len(group) != _GROUP]
    if odd:
        return f"there are more or fewer than {_GROUP} letters in {_listed(odd)}"
    return "one or more of its letters are wrong: the checksum does not match"


def _listed(numbers: list[int]) -> str:
    return f"group{'s' * (len(numbers) > 1)} {' and '.join(map(str, numbers))}"


def recovery_page(key: bytes, vault: str) -> str:
    """Return the text of the recovery file, to be printed and kept away from the computer."""
    return (
        f"{_TITLE}\n"
        f"{'=' * len(_TITLE)}\n\n"
        f"Vault: {vault}\n\n"
        f"    {recovery_text(key)}\n\n"
        "Whoever holds this key can open the vault without the passphrase. Print this page,\n"
        "keep it where you keep papers that matter, and delete the file.\n"
        "Type the key where the passphrase is asked for; spaces, hyphens and letter case do\n"
        "not matter. The last five letters are a checksum.\n"
    )


def recovery_wrapping_key(key: bytes) -> bytes:
    """Return the key that wraps the owner key for a recovery key."""
    return HKDF(SHA256(), 32, None, b"twinvault/1/recovery").derive(key)


def sealed_beside(key: bytes, content: bytes) -> str:
    """Return what a recovery page holds beside its key: content sealed under it, in letters.

    A word that names the form, then base32 (RFC 4648) of a nonce and AES-256-GCM in groups of
    eight letters; letters that a code to scan takes well, and that lines may be broken between.
    """
    nonce = os.urandom(12)
    sealed = nonce + AESGCM(_beside(key)).encrypt(nonce, content, _BESIDE.encode())
    letters = base64.b32encode(sealed).decode().rstrip("=")
    return " ".join([_BESIDE, *(letters[i : i + 8] for i in range(0, len(letters), 8))])


def beside_recovery_key(text: str) -> bytes | None:
    """Return what a recovery page holds beside its key, or None where there is nothing.

    Args:
        text: The page, or what was typed and scanned from it: the key, and what is beside it.

    Raises:
        TamperError: It is not what was printed beside this key.
    """
    key, found = recovery_bytes(text), _BESIDE_LETTERS.search(text)
    if key is None or found is None:
        return None
    letters = "".join(found[1].split())
    try:
        sealed = base64.b32decode(letters + "=" * (-len(letters) % 8))
        return AESGCM(_beside(key)).decrypt(sealed[:12], sealed[12:], _BESIDE.encode())
    except (binascii.Error, InvalidTag, ValueError):
        raise TamperError(
            "What the recovery page holds beside its key is damaged, or of another page; use "
            "another copy, or give the credentials of the pod themselves."
        ) from None


def _beside(key: bytes) -> bytes:
    return HKDF(SHA256(), 32, None, b"twinvault/1/recovery/beside").derive(key)
