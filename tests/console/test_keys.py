"""`twin keys`: passphrase, recovery page, rotation and keyring, typed and in scripts."""

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import PASSPHRASE, Command
from tests.terminal import typed
from vault.errors import Locked
from vault.log import home
from vault.log.passphrase import Stretch

ROOT = Path(__file__).parents[2]
NEW = "seven wet herons in a boat"
OLD_ASKED, NEW_ASKED, AGAIN = "Passphrase", "New passphrase", "Repeat for confirmation"
RECORD = """
import pathlib
from vault import points
points.reached = lambda name: pathlib.Path('points').open('a').write(name + chr(10))
"""
KILL = """
import os, signal
from vault import points
def reached(name):
    if name == {name!r}:
        os.kill(os.getpid(), signal.SIGKILL)
points.reached = reached
"""

# Keyrings as the library wants them; what they hold and who asked lies in a file.
KEYRINGS = """
import json, os, pathlib
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

class Sealed(KeyringBackend):
    priority = 5
    file = pathlib.Path(os.environ["KEYRING_FILE"])

    def _held(self):
        with self.file.with_suffix(".asked").open("a") as asked:
            asked.write("asked\\n")
        return json.loads(self.file.read_text()) if self.file.exists() else {}

    def get_password(self, service, username):
        return self._held().get(f"{service} {username}")

    def set_password(self, service, username, password):
        self.file.write_text(json.dumps(self._held() | {f"{service} {username}": password}))

    def delete_password(self, service, username):
        held = self._held()
        if held.pop(f"{service} {username}", None) is None:
            raise PasswordDeleteError("no such password")
        self.file.write_text(json.dumps(held))

class Plain(Sealed):
    priority = 0.5
    file = Sealed.file.with_suffix(".plain")

class AlsoPlain(Plain):
    priority = 0.6

class Shut(Sealed):
    def get_password(self, service, username, password=None):
        raise KeyringLocked("the passphrase is " + "swordfish")
    set_password = delete_password = get_password

class Forgetful(Sealed):
    def set_password(self, service, username, password):
        pass
"""


class Keyring:
    """Environments in which the keyring library finds one of the keyrings above."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "keyrings_for_tests.py").write_text(KEYRINGS)

    def __call__(self, name: str, **more: str) -> dict[str, str]:
        where = name if "." in name else f"keyrings_for_tests.{name}"
        return {
            "PYTHON_KEYRING_BACKEND": where,
            "PYTHONPATH": f"{self.folder}:{ROOT}",
            "KEYRING_FILE": str(self.folder / "held"),
            "TWIN_PASSPHRASE_FILE": "",
        } | more

    @property
    def held(self) -> str:
        file = self.folder / "held"
        return file.read_text() if file.exists() else "{}"

    @property
    def asked(self) -> int:
        file = self.folder / "held.asked"
        return len(file.read_text().splitlines()) if file.exists() else 0


@pytest.fixture
def keyring(tmp_path):
    folder = tmp_path / "keyrings"
    folder.mkdir()
    return Keyring(folder)


def named(file: Path, text: str) -> str:
    file.write_text(text)
    return str(file)


def by(file: Path | str) -> dict[str, str]:
    """The environment in which a file opens the vault."""
    return {"TWIN_PASSPHRASE_FILE": str(file)}


def to(vault: Command, text: str = NEW) -> dict[str, str]:
    """The environment in which a new passphrase is named."""
    return {"TWIN_NEW_PASSPHRASE_FILE": named(vault.cwd / "new", text)}


def page(vault: Command) -> Path:
    return vault.home.with_name("home-recovery-key.html")


def opens(vault: Command, file: Path | str) -> bool:
    done = vault("status", "--json", env=by(file))
    assert done.status in {0, 4}, done
    return done.status == 0


def everything(vault: Command) -> dict[Path, bytes]:
    return {
        path: path.read_bytes()
        for path in sorted(vault.cwd.rglob("*"))
        if path.is_file() and path.name != "new"
    }


def test_a_new_passphrase_opens_the_vault_and_the_old_one_does_no_more(vault, chat):
    vault.ok("add", str(chat), "--me", "Ada Quill")
    events = vault.ok("status")["events"]
    changed = vault.ok("keys", "passphrase", env=to(vault))
    assert changed == {"vault": str(vault.home), "remembered": None}
    assert not opens(vault, vault.passphrase_file)
    assert opens(vault, vault.cwd / "new")
    assert opens(vault, page(vault))
    vault.passphrase_file.write_text(NEW)
    assert vault.ok("status")["events"] == events
    assert vault.ok("verify")["problems"] == []


def test_a_changed_passphrase_rewrites_neither_the_log_nor_its_keys(vault):
    vault.ok("status")
    before = everything(vault)
    vault.ok("keys", "passphrase", env=to(vault))
    changed = {path.name for path, content in everything(vault).items() if before[path] != content}
    assert changed == {"vault.json"}


def test_the_recovery_page_stands_for_a_lost_passphrase(vault):
    vault.ok("keys", "passphrase", env=to(vault) | by(page(vault)))
    assert not opens(vault, vault.passphrase_file)
    assert opens(vault, vault.cwd / "new")


@pytest.mark.parametrize(
    "command",
    ["passphrase", "recovery", "rotate", "rotate owner", "rotate scopes", "rotate device"],
)
def test_a_wrong_passphrase_changes_no_byte(vault, command):
    wrong = by(named(vault.cwd / "wrong", "incorrect horse battery staple"))
    before = everything(vault)
    error = vault.refused(4, "keys", *command.split(), env=to(vault) | wrong)
    assert error["code"] == "locked"
    assert everything(vault) == before


@pytest.mark.parametrize("short", ["", "1234567", "\n"])
def test_a_new_passphrase_that_protects_nothing_is_refused(vault, short):
    identity = (vault.home / "vault.json").read_bytes()
    error = vault.refused(2, "keys", "passphrase", env=to(vault, short))
    assert "8 characters" in error["message"]
    assert (vault.home / "vault.json").read_bytes() == identity


def test_a_recovery_page_is_no_new_passphrase(vault, tmp_path):
    error = vault.refused(2, "keys", "passphrase", env=to(vault, page(vault).read_text()))
    assert "recovery key" in error["message"]
    (tmp_path / "another").mkdir()
    another = Command.in_folder(tmp_path / "another")
    another.refused(2, "init", env=by(page(vault)))
    assert not another.home.exists()


def test_without_a_terminal_the_variable_for_the_new_passphrase_is_named(vault):
    error = vault.refused(4, "keys", "passphrase")
    assert "TWIN_NEW_PASSPHRASE_FILE" in error["message"]


def test_a_page_of_another_vault_changes_no_byte(vault, tmp_path):
    (tmp_path / "another").mkdir()
    another = Command.in_folder(tmp_path / "another")
    another.ok("init")
    before = everything(vault)
    error = vault.refused(4, "keys", "passphrase", env=to(vault) | by(page(another)))
    assert "another vault's" in error["message"]
    assert everything(vault) == before


def _misread(text: str) -> str:
    letters = iter("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
    key = re.search(r"^[0-9A-Z]{5}(-[0-9A-Z]{5}){8}$", text, re.MULTILINE)[0]
    other = next(letter for letter in letters if letter != key[18])
    return text.replace(key, key[:18] + other + key[19:])


def _smudged(text: str) -> str:
    key = re.search(r"^[0-9A-Z]{5}(-[0-9A-Z]{5}){8}$", text, re.MULTILINE)[0]
    return text.replace(key, key[:18] + "?" + key[19:])


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_misread, "checksum"),
        (_smudged, "group 4"),
        (lambda text: text[: text.index("<pre>")], "no recovery key any more"),
    ],
)
def test_a_damaged_page_says_what_is_wrong_with_it(vault, damage, said):
    damaged = named(vault.cwd / "damaged.html", damage(page(vault).read_text()))
    before = everything(vault)
    error = vault.refused(4, "status", env=by(damaged))
    assert said in error["message"]
    assert everything(vault) == before


def test_a_page_with_torn_bytes_is_refused_by_its_name(vault):
    torn = vault.cwd / "torn.html"
    torn.write_bytes(page(vault).read_bytes()[:-40] + b"\xff\xfe")
    assert "torn.html" in vault.refused(4, "status", env=by(torn))["message"]


def test_the_page_of_an_older_release_opens_too(vault):
    key = re.search(r"^[0-9A-Z-]{53}$", page(vault).read_text(), re.MULTILINE)[0]
    text = f"Twinvault recovery key\n======================\n\nVault: 0\n\n    {key}\n\nWhoever\n"
    assert opens(vault, named(vault.cwd / "old-recovery-key.txt", text))
    assert opens(vault, named(vault.cwd / "typed", key.lower().replace("-", " ")))


def test_init_writes_a_page_that_only_its_owner_can_read(vault):
    assert page(vault).read_text().startswith("<!DOCTYPE html>")
    assert page(vault).stat().st_mode & 0o077 == 0


def test_a_new_page_opens_the_vault_and_the_old_one_does_no_more(vault):
    made = vault.ok("keys", "recovery")
    new = Path(made["recovery_key_file"])
    assert set(made) == {"vault", "recovery_key_file"}
    assert new != page(vault)
    assert not new.is_relative_to(vault.home)
    assert new.stat().st_mode & 0o077 == 0
    assert opens(vault, new)
    assert not opens(vault, page(vault))
    assert opens(vault, vault.passphrase_file)
    third = Path(vault.ok("keys", "recovery", env=by(new))["recovery_key_file"])
    assert third not in {new, page(vault)}
    assert [opens(vault, file) for file in (page(vault), new, third)] == [False, False, True]


def test_rotating_everything_keeps_the_passphrase_and_every_item(vault, chat):
    vault.ok("add", str(chat), "--me", "Ada Quill")
    vault.ok("consent", "allow", "message", "search")
    [hit] = vault.ok("search", "leeks")["hits"]
    made = vault.ok("keys", "rotate")
    assert made["rotated"] == ["owner", "device", "scopes"]
    assert made["scopes"] > 0
    assert opens(vault, made["recovery_key_file"])
    assert not opens(vault, page(vault))
    assert "leeks" in vault.ok("show", hit["id"])["text"]
    assert vault.ok("search", "leeks")["hits"] == [hit]
    assert vault.ok("verify")["problems"] == []
    again = vault.ok("add", str(chat))
    assert (again["collected"], again["duplicates"]) == (0, 8)


@pytest.mark.parametrize("kind", ["scopes", "device"])
def test_rotating_one_kind_leaves_page_and_passphrase_valid(vault, kind):
    made = vault.ok("keys", "rotate", kind)
    assert (made["rotated"], made["recovery_key_file"]) == ([kind], None)
    assert opens(vault, page(vault))
    assert opens(vault, vault.passphrase_file)
    assert vault.ok("verify")["problems"] == []


@pytest.mark.parametrize("kinds", [["owner"], []])
def test_a_new_owner_key_can_come_with_a_new_passphrase(vault, kinds):
    made = vault.ok("keys", "rotate", *kinds, env=to(vault))
    assert not opens(vault, vault.passphrase_file)
    assert not opens(vault, page(vault))
    assert opens(vault, vault.cwd / "new")
    assert opens(vault, made["recovery_key_file"])


def test_rotating_the_owner_key_by_the_page_needs_a_new_passphrase(vault):
    identity = (vault.home / "vault.json").read_bytes()
    error = vault.refused(4, "keys", "rotate", "owner", env=by(page(vault)))
    assert "TWIN_NEW_PASSPHRASE_FILE" in error["message"]
    assert (vault.home / "vault.json").read_bytes() == identity
    vault.ok("keys", "rotate", "owner", env=by(page(vault)) | to(vault))
    assert opens(vault, vault.cwd / "new")


@pytest.fixture
def light(tmp_path):
    """A vault whose passphrase costs little to try, with the page of an older release."""
    (tmp_path / "light").mkdir()
    vault = Command.in_folder(tmp_path / "light")
    key_file = vault.cwd / "home-recovery-key.txt"
    stretch = Stretch(memory=64, passes=1, lanes=1)
    home.create(vault.home, PASSPHRASE, key_file, stretch=stretch).close()
    return vault


def _copied(vault: Command, folder: Path) -> Command:
    shutil.copytree(vault.cwd, folder)
    return Command(folder / "home", folder / "passphrase", folder)


def _unlocks(vault: Command, secret: str) -> bool:
    """Whether a secret opens the vault, and then everything in it is sound."""
    try:
        log = home.open_(vault.home, secret)
    except Locked:
        return False
    try:
        assert log.verify().problems == ()
    finally:
        log.close()
    return True


@pytest.mark.parametrize(
    ("command", "point"),
    [
        ("passphrase", "identity.replaced"),
        ("recovery", "page.written"),
        ("rotate owner", "owner.keys-moved"),
        ("rotate device", "device.followed"),
        ("rotate scopes", "log.committed"),
    ],
)
def test_killed_at_every_point_the_old_secret_or_the_new_one_opens(light, tmp_path, command, point):
    arguments = ("keys", *command.split(), "--json")
    rehearsal = _copied(light, tmp_path / "rehearsal")
    assert rehearsal(*arguments, env=to(rehearsal), before=RECORD).status == 0
    names = list(dict.fromkeys((rehearsal.cwd / "points").read_text().split()))
    assert point in names
    for number, name in enumerate(names):
        copy = _copied(light, tmp_path / str(number))
        killed = copy(*arguments, env=to(copy), before=KILL.format(name=name))
        assert killed.status == -signal.SIGKILL, (name, killed)
        # Where it was half done both open, and whichever is typed finishes it.
        assert any(_unlocks(copy, words) for words in (PASSPHRASE, NEW)), name
        assert sum(_unlocks(copy, words) for words in (PASSPHRASE, NEW)) == 1, name
        pages = [file.read_text() for file in copy.cwd.glob("*recovery-key*")]
        assert sum(_unlocks(copy, text) for text in pages) == 1, name
        assert list(copy.home.glob("*.new")) == [], name


def test_the_keyring_is_asked_only_after_it_was_told_to_remember(vault, keyring):
    vault.refused(4, "status", env=keyring("Sealed"))
    assert keyring.asked == 0
    kept = vault.ok("keys", "remember", env=keyring("Sealed") | by(vault.passphrase_file))
    assert set(kept) == {"vault", "keyring"}
    assert PASSPHRASE in keyring.held
    assert vault.ok("status", env=keyring("Sealed"))["events"] == 1
    before = keyring.asked
    vault.ok("status", env=keyring("Sealed") | by(vault.passphrase_file))
    assert keyring.asked == before  # a named file is all that is needed


def test_what_the_keyring_forgot_opens_nothing(vault, keyring):
    vault.ok("keys", "remember", env=keyring("Sealed") | by(vault.passphrase_file))
    assert vault.ok("keys", "forget", env=keyring("Sealed")) == {"vault": str(vault.home)}
    assert PASSPHRASE not in keyring.held
    vault.refused(4, "status", env=keyring("Sealed"))
    assert vault.refused(3, "keys", "forget", env=keyring("Sealed"))["code"] == "not_found"


def test_a_wrong_passphrase_is_not_remembered(vault, keyring):
    wrong = by(named(vault.cwd / "wrong", "incorrect horse battery staple"))
    before = everything(vault)
    vault.refused(4, "keys", "remember", env=keyring("Sealed") | wrong)
    assert everything(vault) == before


def test_the_recovery_key_is_not_remembered(vault, keyring):
    error = vault.refused(2, "keys", "remember", env=keyring("Sealed") | by(page(vault)))
    assert "recovery key" in error["message"]
    assert keyring.asked == 0


CHAIN = "keyring.backends.chainer.ChainerBackend"


@pytest.mark.parametrize(
    ("backend", "before"),
    [
        ("Plain", ""),
        ("keyring.backends.null.Keyring", ""),
        ("keyring.backends.fail.Keyring", ""),
        (CHAIN, "import keyrings_for_tests as k; k.Sealed.priority = k.Shut.priority = 0.7"),
    ],
)
def test_a_keyring_that_keeps_no_secret_is_refused(vault, keyring, backend, before):
    if backend == CHAIN:
        before += "; k.Forgetful.priority = 0.7"
    env = keyring(backend) | by(vault.passphrase_file)
    error = vault.refused(3, "keys", "remember", env=env, before=before)
    assert "no keyring that keeps secrets" in error["message"]
    assert keyring.held == "{}"
    assert not (keyring.folder / "held.plain").exists()
    assert vault.refused(4, "status", env=keyring(backend))["code"] == "locked"


def test_of_several_keyrings_the_real_one_is_used(vault, keyring):
    before = "import keyrings_for_tests as k; k.Shut.priority = k.Forgetful.priority = 0.7"
    env = keyring(CHAIN)
    vault.ok("keys", "remember", env=env | by(vault.passphrase_file), before=before)
    assert PASSPHRASE in keyring.held
    assert not (keyring.folder / "held.plain").exists()
    assert vault.ok("status", env=env, before=before)["events"] == 1


@pytest.mark.parametrize("backend", ["Shut", "Forgetful", "no_such_module.Keyring"])
def test_a_keyring_that_refuses_is_told_of_without_its_words(vault, keyring, backend):
    env = keyring(backend) | by(vault.passphrase_file)
    error = vault.refused(1, "keys", "remember", env=env)
    assert error["code"] == "storage"
    assert "swordfish" not in error["message"]
    vault.refused(4, "status", env=keyring(backend))


def test_without_the_library_it_says_what_to_install(vault, keyring):
    absent = "import sys; sys.modules['keyring'] = None"
    env = keyring("Sealed") | by(vault.passphrase_file)
    error = vault.refused(3, "keys", "remember", env=env, before=absent)
    assert "twinvault[keyring]" in error["message"]


def test_a_changed_passphrase_is_remembered_anew(vault, keyring):
    vault.ok("keys", "remember", env=keyring("Sealed") | by(vault.passphrase_file))
    assert vault.ok("keys", "passphrase", env=keyring("Sealed") | to(vault))["remembered"] is True
    assert NEW in keyring.held
    assert PASSPHRASE not in keyring.held
    assert vault.ok("status", env=keyring("Sealed"))["events"] == 1
    words = "eight dry herons on a roof"
    rotated = vault.ok("keys", "rotate", "owner", env=keyring("Sealed") | to(vault, words))
    assert rotated["remembered"] is True
    assert vault.ok("status", env=keyring("Sealed"))


def test_a_keyring_that_refuses_does_not_undo_a_changed_passphrase(vault, keyring):
    vault.ok("keys", "remember", env=keyring("Sealed") | by(vault.passphrase_file))
    env = keyring("Shut") | by(vault.passphrase_file) | to(vault)
    assert vault.ok("keys", "passphrase", env=env)["remembered"] is False
    assert opens(vault, vault.cwd / "new")


def test_a_remembered_passphrase_that_is_wrong_is_told_and_asked_for(vault, keyring):
    vault.ok("keys", "remember", env=keyring("Sealed") | by(vault.passphrase_file))
    vault.ok("keys", "passphrase", env=to(vault))  # elsewhere, where there is no such keyring
    env = keyring("Sealed")
    (keyring.folder / "held").write_text(keyring.held.replace(NEW, PASSPHRASE))
    done = vault("status", "--json", env=env)
    assert done.status == 4
    assert "passphrase in the keyring is wrong" in done.err
    done = typed(vault, "status", "--json", answers=[(OLD_ASKED, NEW)], env=env)
    assert done.status == 0, done
    assert "passphrase in the keyring is wrong" in done.err
    done = typed(vault, "keys", "remember", "--json", answers=[(OLD_ASKED, NEW)], env=env)
    assert done.status == 0, done
    assert vault.ok("status", env=env)


def test_a_moved_folder_is_told_and_asked_for(vault, keyring):
    vault.ok("keys", "remember", env=keyring("Sealed") | by(vault.passphrase_file))
    moved = vault.home.rename(vault.home.with_name("moved"))
    env = keyring("Sealed", TWIN_HOME=str(moved))
    assert "twin keys remember" in vault("status", "--json", env=env).err
    assert typed(vault, "status", answers=[(OLD_ASKED, PASSPHRASE)], env=env).status == 0


def test_at_the_terminal_the_old_passphrase_is_asked_once_and_the_new_one_twice(vault):
    answers = [(OLD_ASKED, PASSPHRASE), (NEW_ASKED, NEW), (AGAIN, NEW)]
    done = typed(vault, "keys", "passphrase", answers=answers)
    assert done.status == 0, done
    assert "new passphrase opens the vault" in done.out
    assert opens(vault, named(vault.cwd / "new", NEW))


def test_at_the_terminal_a_slip_in_the_new_passphrase_is_asked_again(vault):
    answers = [(OLD_ASKED, PASSPHRASE), (NEW_ASKED, NEW), (AGAIN, NEW + "x")]
    answers += [(NEW_ASKED, NEW), (AGAIN, NEW)]
    assert typed(vault, "keys", "passphrase", answers=answers).status == 0
    assert opens(vault, named(vault.cwd / "new", NEW))


def test_at_the_terminal_a_wrong_old_passphrase_is_told_before_a_new_one_is_asked(vault):
    done = typed(vault, "keys", "passphrase", answers=[(OLD_ASKED, "incorrect horse")])
    assert done.status == 4
    assert "wrong" in done.err


def test_at_the_terminal_the_recovery_key_is_typed_as_printed(vault):
    key = re.search(r"^[0-9A-Z-]{53}$", page(vault).read_text(), re.MULTILINE)[0]
    answers = [(OLD_ASKED, key.lower().replace("-", " ")), (NEW_ASKED, NEW), (AGAIN, NEW)]
    assert typed(vault, "keys", "rotate", "owner", answers=answers).status == 0
    assert opens(vault, named(vault.cwd / "new", NEW))


@pytest.mark.parametrize("command", [[], ["passphrase"], ["rotate"], ["remember"]])
def test_help_imports_nothing_heavy(command):
    code = (
        "import sys\n"
        "from console.cli import main\n"
        f"try:\n main({['keys', *command, '--help']!r})\n"
        "except SystemExit: pass\n"
        "heavy = {'keyring', 'segno', 'cryptography', 'msgspec', 'apsw'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
