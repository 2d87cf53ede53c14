"""The programs that the manual shows check proofs as this one does."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from proofkit import (
    DATA_KEY,
    KINDS,
    OTHER,
    OWNER,
    OWNERS,
    PUBLIC,
    TOPIC,
    WORDS,
    WORLD,
    World,
    extra_of,
    forged,
    refused,
    with_extra,
)

from vault.log.certificate import certify

MANUAL = (Path(__file__).parents[3] / "docs" / "proofs.md").read_text("utf-8")
PROGRAMS = dict.fromkeys(re.findall(r"^```(\w+)$", MANUAL, re.MULTILINE), "")
for kind, text in re.findall(r"^```(\w+)\n(.*?)^```$", MANUAL, re.MULTILINE | re.DOTALL):
    PROGRAMS[kind] += text
INTERPRETERS = {"python": sys.executable, "js": shutil.which("node")}
THERE = [name for name, path in INTERPRETERS.items() if path]


def by_hand(language: str, folder: Path, data: bytes) -> subprocess.CompletedProcess[str]:
    """Run the program that the manual shows."""
    (folder / "program").with_suffix(f".{language}").write_text(PROGRAMS[language], "utf-8")
    (folder / "file").write_bytes(data)
    command = [INTERPRETERS[language], folder / f"program.{language}", folder / "file"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_manual_shows_programs_in_two_languages_and_one_is_python():
    assert set(PROGRAMS) == {"python", "js"} >= set(THERE) >= {"python"}


@pytest.mark.parametrize("language", THERE)
def test_the_programs_in_the_manual_prove_what_is_sound(language, tmp_path):
    for index, size in ((6, 11), (0, 1), (10, 11), (0, 12), (7, 8), (8, 9), (11, 12)):
        done = by_hand(language, tmp_path, WORLD.inclusion(index, size, reveal=True))
        assert done.stdout.split()[:3] == [OWNERS.hex(), TOPIC.decode(), str(1000 + index)], done
        assert language != "python" or done.stdout.splitlines()[1] == repr(WORDS)


def unsound() -> dict[str, bytes]:
    """Proofs that prove nothing, each wrong in one thing."""
    good = KINDS["words"]
    lines = good.split(b"\n")
    extra = extra_of(good)
    flipped = {
        f"bit in byte {at}": with_extra(good, extra[:at] + bytes([extra[at] ^ 1]) + extra[at + 1 :])
        for at in (1, 33, 72, 73, 136, 139, 154, 162, 200, 218)
    }
    late = World(most=7).inclusion(6)
    forged = certify(OTHER, PUBLIC).signature
    return flipped | {
        "index": good.replace(b"index 6", b"index 7"),
        "size": good.replace(b"\n11\n", b"\n12\n"),
        "hash swapped": b"\n".join([*lines[:3], lines[4], lines[3], *lines[5:]]),
        "hash left out": b"\n".join([*lines[:3], *lines[4:]]),
        "hash doubled": b"\n".join([*lines[:4], lines[3], *lines[4:]]),
        "time": good.replace(b"\ntime 10", b"\ntime 11"),
        "other certificate": with_extra(good, extra[:73] + forged + extra[137:]),
        "revoked": with_extra(late, revoked(extra_of(late))),
    }


def revoked(extra: bytes) -> bytes:
    """Extra data in whose certificate the device counts no further than entry 6."""
    certificate = certify(OWNER, PUBLIC, 6)
    return extra[:65] + certificate.most.to_bytes(8) + certificate.signature + extra[137:]


@pytest.mark.parametrize("language", THERE)
@pytest.mark.parametrize("what", unsound())
def test_the_programs_in_the_manual_refuse_what_is_not(language, what, tmp_path):
    data = unsound()[what]
    refused(data)
    done = by_hand(language, tmp_path, data)
    assert done.returncode != 0, done.stdout


def test_the_manual_refuses_words_that_were_not_sealed(tmp_path):
    good = KINDS["words"]
    extra = extra_of(good)
    start = 137 + len(WORLD.entries[6][0])
    assert extra[start : start + 32] == DATA_KEY
    for shown in (
        DATA_KEY + forged(),
        DATA_KEY + WORLD.entries[6][1][:-1] + b"?",
        bytes(32) + WORLD.entries[6][1],
    ):
        bad = with_extra(good, extra[:start] + shown)
        assert by_hand("python", tmp_path, bad).returncode != 0
