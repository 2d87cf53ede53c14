"""A vault that is cut, changed, another owner's or newer: one sentence, exit 6, no byte changed."""

import json
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from tests.helpers import PASSPHRASE, Command
from vault.events import OwnerNamed
from vault.log import home
from vault.log.passphrase import Stretch
from vault.log.sealed import Draft

FILES = ["vault.json", "pin", "log.db", "keys.db"]


def made(folder: Path) -> Command:
    """A small vault with something in it, and the command on it."""
    folder.mkdir()
    command = Command.in_folder(folder)
    cheap = Stretch(memory=8, passes=1, lanes=1)
    with closing(home.create(command.home, PASSPHRASE, folder / "recovery", stretch=cheap)) as log:
        log.append([Draft(event=OwnerNamed(names=("ada quill",)))])
    return command


@pytest.fixture
def vault(tmp_path):
    return made(tmp_path / "mine")


def stored(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def refused_unchanged(vault: Command, *words: str) -> None:
    """Expect reading and writing to be refused in a sentence with one of the words."""
    before = stored(vault.home.parent)
    for command in (("verify",), ("me", "Mallory")):
        error = vault.refused(6, *command)
        assert error["code"] in {"integrity", "foreign_vault"}
        assert any(word in error["message"] for word in words), error["message"]
        assert stored(vault.home.parent) == before, command


@pytest.mark.parametrize("name", FILES)
def test_a_vault_with_a_file_that_was_cut_short_is_refused_and_stays_as_it_is(vault, name):
    path = vault.home / name
    content = path.read_bytes()
    for keep in (0, len(content) // 3, len(content) * 9 // 10):
        path.write_bytes(content[:keep])
        refused_unchanged(vault, name)


@pytest.mark.parametrize("name", FILES)
def test_a_vault_with_a_file_of_another_owner_is_refused_and_stays_as_it_is(vault, tmp_path, name):
    other = made(tmp_path / "other")
    shutil.copy(other.home / name, vault.home / name)
    refused_unchanged(vault, "the vault's owner", "another vault", name)


def test_a_vault_of_a_later_release_is_named_as_such_and_stays_as_it_is(vault):
    path = vault.home / "vault.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 9}))
    refused_unchanged(vault, "format 9")


@pytest.mark.parametrize("name", ["vault.json", "pin"])
def test_a_vault_that_was_tampered_with_is_refused_and_stays_as_it_is(vault, name):
    path = vault.home / name
    content = path.read_bytes()
    at = len(content) // 2
    path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    refused_unchanged(vault, name, "checkpoint")
