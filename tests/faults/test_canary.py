"""What was planted is nowhere while the vault is locked, and nowhere at all once erased."""

import json
import shutil
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from console import bootstrap
from tests.faults.scan import files_of, found_in, found_in_files
from tests.forked import Forked
from tests.helpers import PASSPHRASE, TOY
from tests.vault.log.logkit import secrets_of
from vault.log.segment import open_segment

# Words that stand in what is collected and nowhere else; the first in one message alone.
ERASED = "glimmerquartz"
KEPT = ("brindlevane", "snorfletonbly", "quopplewick")
# Words within files that came with notes; the first goes with its note.
PICTURED = ("thistlequern", "marrowplunket")
LISTENING = "import logging; logging.basicConfig(level=logging.DEBUG)\n"


def chats(folder):
    """Enough to train on; one message of it is erased later."""
    lines = []
    for day in range(1, 29):
        for hour in (8, 12, 16):
            stamp = f"{day:02d}/03/2023, {hour:02d}:00"
            lines.append(f"{stamp} - {KEPT[1]} Jones: where is the {KEPT[0]} {day}?")
            lines.append(f"{stamp} - Ada Quill: answer {day} in the {KEPT[2]}, pal")
    lines.append(f"29/03/2023, 09:00 - {KEPT[1]} Jones: what was it called?")
    lines.append(f"29/03/2023, 09:05 - Ada Quill: the {ERASED} of course")
    path = folder / "WhatsApp Chat with Friend.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


def notes(folder):
    """Two notes, each with a file of more than a block that says one word again and again."""
    place = folder / "notes"
    place.mkdir()
    for word in PICTURED:
        (place / f"{word[:3]}.md").write_text(f"See ![[{word[:3]}.png]], as ![[both.png]] says.\n")
        (place / f"{word[:3]}.png").write_bytes(f"{word} ".encode() * 90_000)
    (place / "both.png").write_bytes(f"{KEPT[0]} ".encode() * 100)
    return place


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """A whole session, every process of it logging all it can; what it said, and its folders."""
    folder = tmp_path_factory.mktemp("session")
    vault = Forked.in_folder(folder)
    places = {name: folder / name for name in ("tmp", "user", "mirror")}
    for place in places.values():
        place.mkdir()
    env = {
        "TMPDIR": str(places["tmp"]),
        "HOME": str(places["user"]),
        "XDG_CACHE_HOME": str(places["user"] / "cache"),
        "XDG_STATE_HOME": str(places["user"] / "state"),
    }
    (folder / "toy.toml").write_text(TOY)
    said = []

    def run(*arguments, **more):
        done = vault(*arguments, "--json", env=env, before=LISTENING, **more)
        assert done.status == 0, (arguments, done)
        said.append(done.err)
        return json.loads(done.out)

    run("init")
    run("add", str(chats(folder)), "--me", "Ada Quill")
    run("add", str(notes(folder)))
    run("consent", "allow", "message", "search")
    for type_ in ("message", "message.chat.direct.received"):
        run("consent", "allow", type_, "train", "--redact", "none")
    run("view", "build")
    assert run("search", ERASED)["hits"]
    run("view", "preview")
    trained = run("train", "--recipe", str(folder / "toy.toml"))
    run("chat", "where is it?")
    run("correct", run("search", KEPT[2])["hits"][0]["id"], text=f"in the {KEPT[2]}, I say")
    run("backup", str(places["mirror"]))
    run("keys", "rotate", "scopes")
    run("verify")
    return vault, run, places, said, trained


def test_a_whole_session_leaves_no_word_behind_in_any_form(session):
    vault, _, places, said, _ = session
    files = files_of(vault.home, *places.values())
    assert {"log.db", "keys.db", "search.db", "training.db"} <= {path.name for path in files}
    assert sum(path.stat().st_size for path in files) > 500_000
    assert found_in_files(files, [ERASED, *KEPT, *PICTURED]) == []
    assert found_in("\n".join(said).encode(), [ERASED, *KEPT, *PICTURED]) == set()


def decrypted(twin, to):
    """Copy every derived store in the clear, databases page by page with their free pages."""
    for name in ("views", "models"):
        store = bootstrap.Derived(twin.home / name, twin.log.keys.sealing(name))
        (to / name).mkdir(parents=True)
        for path in sorted((twin.home / name).iterdir()):
            if path.suffix == ".db":
                in_the_clear(shutil.copy(path, to / name), store._key_for(path.name))
            elif "." not in path.name:
                (to / name / path.name).write_bytes(store.read(path.name))
    return to


def in_the_clear(path, key):
    with closing(apsw.Connection(str(path))) as database:
        database.execute(f"PRAGMA key='raw:{key.hex()}'")
        database.execute("PRAGMA secure_delete=OFF").fetchall()
        database.execute("PRAGMA rekey=''").fetchall()
    assert Path(path).read_bytes().startswith(b"SQLite format 3\0")


def in_the_mirror(twin, mirror):
    """What the segments of a backup hold: records and the keys of their bodies."""
    keys = twin.log.keys.owner.constants.mirrors
    for path in sorted(mirror.glob("segment-*")):
        segment = open_segment(path.read_bytes(), keys, path.name)
        yield from segment.records
        yield from (page.keys for page in segment.keys.values())


def test_once_erased_no_word_and_no_key_of_an_item_is_in_any_file_locked_or_unlocked(
    session, tmp_path
):
    vault, run, places, _, trained = session
    [hit] = run("search", ERASED)["hits"]
    with closing(bootstrap.open_(vault.home, PASSPHRASE)) as twin:
        secrets = secrets_of(twin.log, [hit["id"]])
        before = found_in_files(files_of(decrypted(twin, tmp_path / "before")), [ERASED])
        held = b"".join(in_the_mirror(twin, places["mirror"]))
        # Chance decides on which side of the split a conversation is.
        rows = twin.views.training.rows("train", now=twin.vault.now())
        learned = any(ERASED in message.content for row in rows for message in row.messages)
    where = {name for name, _, _ in before}
    weights = f"state-{trained['state']}"
    assert {"timeline.db", "search.db", "training.db"} <= where
    assert (tmp_path / "before" / "models" / weights).exists()
    assert sum(secret in held for secret in secrets) >= 2, "its body, and its key"

    run("forget", "--item", hit["id"], "--yes")
    run("backup", str(places["mirror"]))
    with closing(bootstrap.open_(vault.home, PASSPHRASE)) as twin:
        # The vault is open: write-ahead logs and all.
        twin.catch_up()
        twin.views.settle(twin.vault.now())
        files = files_of(vault.home, *places.values())
        after = decrypted(twin, tmp_path / "after")
        held = b"".join(in_the_mirror(twin, places["mirror"]))
        open_ = b"".join(path.read_bytes() for path in files)
    assert found_in_files(files_of(after), [ERASED]) == []
    assert found_in_files(files_of(vault.home, *places.values()), [ERASED]) == []
    for secret in secrets:
        assert secret not in open_
        assert secret not in held
    assert (after / "models" / weights).exists() is not learned
    assert found_in_files(files_of(after), [KEPT[2]]), "what was kept is still there"


def test_once_a_note_is_erased_no_byte_of_its_file_is_anywhere(session, tmp_path):
    vault, run, places, _, _ = session
    with closing(bootstrap.open_(vault.home, PASSPHRASE)) as twin:
        twin.catch_up()
        names = [f"notes/{word[:3]}.md" for word in PICTURED]
        gone, kept = twin.vault.find([("markdown", name) for name in names])
        attached = twin.views.timeline.attached
        blocks = attached.alone([gone])
        assert len(blocks) == 2, "what both notes show stays with the other"
        secrets = secrets_of(twin.log, blocks)
        held = b"".join(in_the_mirror(twin, places["mirror"]))
    assert all(secret[-32:] in held for secret in secrets[:2])

    run("forget", "--item", gone, "--yes")
    run("backup", str(places["mirror"]))
    with closing(bootstrap.open_(vault.home, PASSPHRASE)) as twin:
        twin.catch_up()
        held = b"".join(in_the_mirror(twin, places["mirror"]))
        open_ = b"".join(path.read_bytes() for path in files_of(vault.home, *places.values()))
        views = files_of(decrypted(twin, tmp_path / "views"))
    assert found_in_files(views, [PICTURED[0]]) == []
    for secret in secrets:
        pieces = {secret[i : i + 32] for i in range(0, len(secret) - 31, 16384)}
        assert not any(piece in open_ or piece in held for piece in pieces)
    files = run("attachments", kept)["attachments"]
    assert [(one["name"], one["kept"]) for one in files] == [("mar.png", True), ("both.png", True)]
