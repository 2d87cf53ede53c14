"""What was planted in a vault is nowhere on the disk of the pod's server, in any form."""

import pytest

from console import bootstrap
from console.use import podding
from tests.faults.scan import files_of, found_in_files
from tests.helpers import PASSPHRASE, Command

WORDS = ("brindlevane", "snorfletonbly", "quopplewick", "glimmerquartz", "marrowplunket")


@pytest.mark.pod
def test_no_word_of_a_vault_is_in_any_file_of_the_server(solid, solid_folder, tmp_path):
    vault = Command.in_folder(tmp_path)
    item, friend, other, erased, file = WORDS
    for name in (friend, other):
        chat = tmp_path / f"WhatsApp Chat with {name} Jones.txt"
        lines = [f"0{day}/03/2023, 08:00 - {name} Jones: where is {item} {day}?" for day in (1, 2)]
        lines += [f"0{day}/03/2023, 09:00 - Ada Quill: the {erased} {day}" for day in (1, 2)]
        chat.write_text("\n".join(lines) + "\n")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / f"{file}.md").write_text(f"See ![[{file}.png]] of {friend}.\n")
    (tmp_path / "notes" / f"{file}.png").write_bytes(f"{file} ".encode() * 9_000)
    vault.ok("init")
    vault.ok("add", str(tmp_path), "--me", "Ada Quill")
    vault.ok("consent", "allow", "message", "search")
    vault.ok("consent", "allow", "message", "mirror")
    vault.ok("consent", "allow", "document", "mirror")
    vault.ok("consent", "allow", "message", "train", "--redact", "none")
    vault.ok("withdraw", "message", "train", "--conversation", f"{friend} Jones")
    vault.ok("consent", "deny", "message", "mirror", "--person", f"{other} Jones")
    secret = podding.Account(email="ada@ada.example", password="a pod's password", pod="canary")
    podding.link(vault.home, PASSPHRASE, solid, secret)
    twin = bootstrap.open_(vault.home, PASSPHRASE)
    done = podding.sync(twin)
    twin.close()
    hit = vault.ok("search", erased)["hits"][0]["id"]
    vault.ok("forget", "--item", hit, "--yes")
    twin = bootstrap.open_(vault.home, PASSPHRASE)
    podding.sync(twin)
    twin.close()
    data = solid_folder / "pods" / "data"
    files = files_of(data / "canary", data / ".internal")
    assert done.withheld > 0
    assert sum(path.stat().st_size for path in files) > 20_000
    assert {"consent", "files", "index"} <= {p.name for p in (data / "canary/twinvault").iterdir()}
    assert found_in_files(files, WORDS) == []
    assert found_in_files(files, ["ada@ada.example"]), "what the server was told is found"
