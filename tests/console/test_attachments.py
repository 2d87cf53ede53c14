"""Files that came with items: shown, written, carried along, and gone with the last that has them."""

import json
import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from console import bootstrap
from console.use import attachments, checking, exporting, forgetting, mirroring, retaining, viewing
from projections import outside
from projections.timeline import Timeline
from tests.helpers import Command
from tests.linear import growth
from tests.vault.test_contents import LONG, behind, entries, file
from vault import codec, points
from vault.application import Export
from vault.collectors.fingerprints import _File
from vault.collectors.readers.archives import grow
from vault.collectors.sources.portable import SOURCE as PORTABLE
from vault.errors import Erased, NotFound
from vault.events import ItemCollected
from vault.items import BLOCK, Agent, Content, Item
from vault.log.passphrase import Stretch
from vault.log.segment import open_segment

SHORT = b"a picture of a lamp, " + os.urandom(100)
WORDS = "correct horse battery staple"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("attachments")
    with pytest.MonkeyPatch.context() as patch:
        for setting in ("memory", "passes", "lanes"):
            patch.setitem(Stretch.__init__.__kwdefaults__, setting, {"memory": 64}.get(setting, 1))
        bootstrap.create(folder / "home", WORDS)
    return folder / "home"


@pytest.fixture
def twin(made, tmp_path):
    shutil.copytree(made, tmp_path / "home")
    twin = bootstrap.open_(tmp_path / "home", WORDS)
    yield twin
    twin.close()


def message(number, *files, source="phone", who="Bex Stone", at=datetime(2024, 5, 1, tzinfo=UTC)):
    return Item(
        source=source,
        native_id=f"{number}",
        type="message.chat.direct.received",
        at=at,
        author=Agent(id=f"name:{who}", name=who),
        conversation=who,
        text=f"see my picture {number}",
        attachments=files,
    )


def add(twin, *records):
    done = twin.vault.collect(records, export=Export(locator="x"), permits=lambda _: True)
    twin.catch_up()
    return done


class Died(BaseException):
    """The process ended here."""


def dying_at(monkeypatch, point, work):
    def reached(name):
        if name == point:
            raise Died

    with monkeypatch.context() as patch:
        patch.setattr(points, "reached", reached)
        with pytest.raises(Died):
            work()


def ids(twin, *numbers, source="phone"):
    return list(twin.vault.find([(source, f"{number}") for number in numbers]))


def there(twin, data):
    """Whether each block of a file is in the log."""
    return bool(twin.views.timeline.attached.blocks(file(data)))


def left(folder, data):
    """Where plain bytes of a file stand, or bytes that were there sealed."""
    return [
        path for path in folder.rglob("*") if path.is_file() and within(data, path.read_bytes())
    ]


def within(data, content):
    """Whether some bytes of a file stand among others, from any of its database pages."""
    return any(data[i : i + 32] in content for i in range(0, len(data) - 32, 16384))


def bodies(twin):
    found = twin.log.located([e.id for e in entries(twin.log)])
    return b"".join(one.body for one in found)


def test_files_are_listed_with_whether_their_bytes_are_kept(twin):
    known = file(b"far away", "gone.pdf", media_type="application/pdf")
    add(twin, *behind(message(1, file(LONG), known), LONG))
    found = attachments.attached(twin, ids(twin, 1)[0])
    assert [(one.name, one.size, one.kept) for one in found.attachments] == [
        ("a.jpg", len(LONG), True),
        ("gone.pdf", 8, False),
    ]
    assert viewing.show(twin, ids(twin, 1)[0]).attachments == found.attachments


def test_files_are_written_under_names_of_their_own_and_none_is_overwritten(twin, tmp_path):
    add(twin, *behind(message(1, file(LONG, "a.jpg"), file(SHORT, "a.jpg")), LONG, SHORT))
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.jpg").write_bytes(b"mine")
    written = attachments.write(twin, ids(twin, 1)[0], out)
    assert [one.file for one in written.attachments] == [out / "a (2).jpg", out / "a (3).jpg"]
    assert (out / "a.jpg").read_bytes() == b"mine"
    assert (out / "a (2).jpg").read_bytes() == LONG
    assert (out / "a (3).jpg").read_bytes() == SHORT
    assert (out / "a (3).jpg").stat().st_mode & 0o077 == 0


def test_where_nobody_here_can_look_it_is_not_said_that_nothing_lies_there(twin, tmp_path):
    add(twin, message(1))
    [item] = ids(twin, 1)
    unreadable = str(tmp_path / ("x" * 300))
    for place in (unreadable, str(tmp_path / "gone"), str(tmp_path), outside.DOWNLOADS):
        twin.vault.record(outside.handed("training examples", place=place, items=1))
    told = forgetting.preview(twin, forgetting.plan(twin, item_id=item)).written_out
    assert [one.is_there for one in told] == [None, False, True, None]
    order = forgetting._ordered(twin, [item], "asked")
    elsewhere = tuple(one._replace(entry="ffffffffffffffff-1") for one in order.written_out)
    told = forgetting._there(twin, replace(order, written_out=elsewhere))
    assert [one.is_there for one in told] == [None] * 4


def test_what_went_meanwhile_is_no_fault(twin):
    add(twin, message(1))
    meant = ids(twin, 1)
    forgetting.forget(twin, meant)
    again = forgetting.forget(twin, meant)
    assert (again.keys_destroyed, again.written_out) == (0, ())


def test_who_forgets_is_told_where_its_files_were_written(twin, tmp_path):
    add(twin, *behind(message(1, file(LONG, "a.jpg")), LONG), message(2))
    first, second = ids(twin, 1)[0], ids(twin, 2)[0]
    attachments.write(twin, first, tmp_path / "out")
    [told] = forgetting.preview(twin, forgetting.plan(twin, item_id=first)).written_out
    assert (told.kind, told.place, told.is_there) == ("attachments", str(tmp_path / "out"), True)
    assert forgetting.preview(twin, [second]).written_out == ()


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../.ssh/authorized_keys", "_.._.ssh_authorized_keys"),
        ("C:\\autoexec.bat", "C__autoexec.bat"),
        ("/etc/passwd", "_etc_passwd"),
        ("..", "attachment"),
        ("", "attachment"),
        ("nul\x00l\n.txt", "null.txt"),
        ("CON.txt", "_CON.txt"),
        ("fdp\u202egpj.exe", "fdpgpj.exe"),
        ("\ud800x.pdf", "?x.pdf".replace("?", "_")),
        ("日本" * 200 + ".jpeg", "日本" * 19 + ".jpeg"),
        ("x" * 300, "x" * 120),
        (".hidden", "hidden"),
        ("résumé.pdf", "résumé.pdf"),
    ],
)
def test_a_name_that_a_stranger_chose_does_no_harm(tmp_path, name, safe):
    assert attachments._safe(name) == safe
    path, descriptor = attachments._new(tmp_path, attachments._safe(name))
    os.close(descriptor)
    assert path.parent == tmp_path


@pytest.mark.parametrize("letter", ["a", "日", "\u0301\u0323", "\u200b", ". "])
def test_a_name_without_end_costs_no_more_for_each_letter(letter):
    assert growth(lambda size: attachments._safe(f"a{letter * size}.txt"), 8_000, 64_000) < 20
    assert attachments._safe(f"a{letter * 64_000}.txt").endswith(".txt")


def test_without_any_bytes_nothing_is_written(twin, tmp_path):
    add(twin, message(1, file(LONG)))
    with pytest.raises(NotFound, match="no attachment"):
        attachments.write(twin, ids(twin, 1)[0], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(NotFound):
        attachments.attached(twin, "nowhere-1")


def test_blocks_are_no_items(twin):
    add(twin, *behind(message(1, file(LONG)), LONG))
    assert checking.status(twin).items == 1
    assert twin.views.timeline.count() == 1
    assert checking.verify(twin).problems == ()


# ---------------------------------------------------------------------- erasing


def test_a_file_goes_with_the_last_item_that_carries_it(twin):
    add(twin, *behind(message(1, file(LONG)), LONG), *behind(message(2, file(LONG)), LONG))
    one, two = ids(twin, 1, 2)
    sealed = bodies(twin)
    assert forgetting.preview(twin, [one]).keys_destroyed == 1
    assert forgetting.preview(twin, [one, two]).keys_destroyed == 5
    first = forgetting.forget(twin, [one])
    assert (first.keys_destroyed, first.left) == (1, ())
    assert there(twin, LONG)
    second = forgetting.forget(twin, [two])
    assert (second.keys_destroyed, second.left) == (4, ())
    stores = {store.store: (store.destroyed, store.left) for store in second.stores}
    assert stores["blocks of files in the timeline"] == (3, 0)
    assert stores["bodies in the log"] == (4, 0)
    assert not there(twin, LONG)
    with pytest.raises(Erased):
        attachments.attached(twin, two)
    assert left(twin.home, sealed) == []
    assert twin.views.owed() == ()
    assert checking.verify(twin).problems == ()


def test_a_file_goes_with_all_versions_of_its_item(twin):
    add(twin, *behind(message(1, file(LONG)), LONG))
    add(twin, *behind(message(1, file(SHORT)), SHORT))
    assert there(twin, LONG)
    [one] = ids(twin, 1)
    assert len(attachments.attached(twin, one).attachments) == 1
    assert forgetting.forget(twin, [one]).keys_destroyed == 2 + 3 + 1
    assert not there(twin, LONG)
    assert not there(twin, SHORT)


def test_forgetting_a_person_or_a_source_takes_their_files_along(twin):
    add(
        twin,
        *behind(message(1, file(LONG)), LONG),
        *behind(message(2, file(SHORT), who="Ned Pike"), SHORT),
        *behind(message(3, file(b"kept"), source="other", who="Ned Pike"), b"kept"),
        *behind(message(4, file(SHORT), source="other", who="Ned Pike"), SHORT),
    )
    forgetting.forget(twin, forgetting.plan(twin, person="Bex Stone"))
    assert (there(twin, LONG), there(twin, SHORT), there(twin, b"kept")) == (False, True, True)
    forgetting.forget(twin, forgetting.plan(twin, source="other"))
    assert (there(twin, SHORT), there(twin, b"kept")) == (True, False)
    forgetting.forget(twin, forgetting.plan(twin, source="phone"))
    assert not there(twin, SHORT)


def test_what_is_past_its_days_takes_its_files_along(twin):
    now = datetime.now(UTC)
    add(
        twin,
        *behind(message(1, file(LONG), at=now - timedelta(days=40)), LONG),
        *behind(message(2, file(SHORT), at=now), SHORT),
    )
    erased = retaining.retain(twin, "message", 30).erased
    assert (erased.items, erased.keys_destroyed, erased.left) == (1, 4, ())
    assert (there(twin, LONG), there(twin, SHORT)) == (False, True)


@pytest.mark.parametrize("point", ["forget.noted", "erase.recorded", "log.cut", "forget.suspended"])
def test_an_erasure_that_was_interrupted_is_finished_on_opening(twin, monkeypatch, point):
    add(twin, *behind(message(1, file(LONG)), LONG))
    [one], sealed = ids(twin, 1), bodies(twin)
    dying_at(monkeypatch, point, lambda: forgetting.forget(twin, [one]))
    twin.close()
    again = bootstrap.open_(twin.home, WORDS)
    retaining.tidy(again)
    if point == "forget.noted":  # nobody was told that it was erased
        assert there(again, LONG)
        forgetting.forget(again, [one])
    assert not there(again, LONG)
    assert left(again.home, sealed) == []
    assert (again.views.owed(), checking.verify(again).problems) == ((), ())
    again.close()


def test_views_made_again_say_the_same(twin):
    add(
        twin,
        *behind(message(1, file(LONG)), LONG),
        *behind(message(1, file(SHORT)), SHORT),
        *behind(message(2, file(SHORT)), SHORT),
        *behind(message(3, file(b"kept")), b"kept"),
    )
    forgetting.forget(twin, ids(twin, 1))
    before = twin.views.timeline.dump()
    assert sum(row[0] == "block" for row in before) == 2
    assert sum(row[0] == "carried" for row in before) == 2
    twin.close()
    bootstrap.drop_views(twin.home)
    again = bootstrap.open_(twin.home, WORDS)
    again.catch_up()
    assert again.views.timeline.dump() == before
    again.close()


def test_no_view_holds_a_digest_of_a_file(twin):
    add(twin, *behind(message(1, file(LONG)), LONG))
    assert isinstance(twin.views.timeline, Timeline)
    digest = sha256(LONG).digest()
    for row in twin.views.timeline.dump():
        if row[0] in {"block", "carried"}:
            assert not any(digest[:8] in value for value in row if isinstance(value, bytes))


# ---------------------------------------------------------------------- several devices


@pytest.fixture
def two(twin, tmp_path, monkeypatch):
    """Two devices of one vault, and the folder in which they meet."""
    for setting in ("memory", "passes", "lanes"):
        kept = {"memory": 64}.get(setting, 1)
        monkeypatch.setitem(Stretch.__init__.__kwdefaults__, setting, kept)
    mirror = tmp_path / "mirror"
    mirroring.exchange(twin, mirror)
    mirroring.enrol(tmp_path / "laptop", mirror, WORDS, "laptop")
    laptop = bootstrap.open_(tmp_path / "laptop", WORDS)
    yield twin, laptop, mirror
    laptop.close()


def meet(mirror, *devices):
    for device in (*devices, *devices):
        mirroring.exchange(device, mirror)
        device.catch_up()
        retaining.tidy(device)


def in_the_mirror(twin, mirror):
    keys = twin.log.keys.owner.constants.mirrors
    for path in mirror.glob("segment-*"):
        yield from open_segment(path.read_bytes(), keys, path.name).records


def test_both_devices_have_the_bytes_and_neither_has_them_once_one_erased(two, tmp_path):
    twin, laptop, mirror = two
    # Each read the same export by itself, before they met.
    add(twin, *behind(message(1, file(LONG)), LONG))
    add(laptop, *behind(message(1, file(LONG)), LONG))
    meet(mirror, twin, laptop)
    sealed = bodies(twin)
    assert len(entries(laptop.log)) == 6
    attachments.write(laptop, ids(laptop, 1)[0], tmp_path / "out")
    assert (tmp_path / "out" / "a.jpg").read_bytes() == LONG
    forgetting.forget(twin, ids(twin, 1))
    meet(mirror, twin, laptop)
    for device in two[:2]:
        assert all(entry.erased for entry in entries(device.log))
        assert left(device.home, sealed) == []
        assert checking.verify(device).problems == ()
    assert not within(sealed, b"".join(in_the_mirror(twin, mirror)))


def test_what_another_device_stored_for_an_item_that_was_erased_here_is_owed(two):
    twin, laptop, mirror = two
    add(twin, *behind(message(1, file(LONG)), LONG))
    add(laptop, *behind(message(1, file(LONG)), LONG))
    forgetting.forget(twin, ids(twin, 1))
    meet(mirror, laptop, twin)
    for device in (twin, laptop):
        assert all(entry.erased for entry in entries(device.log))
        assert (device.views.owed(), checking.verify(device).problems) == ((), ())


def test_what_another_device_stored_for_an_item_of_its_own_stays(two):
    twin, laptop, mirror = two
    add(twin, *behind(message(1, file(LONG)), LONG))
    add(laptop, *behind(message(2, file(LONG)), LONG))
    forgetting.forget(twin, ids(twin, 1))
    meet(mirror, twin, laptop)
    for device in (twin, laptop):
        assert there(device, LONG)
        assert [entry.erased for entry in entries(device.log)] == [True] * 3 + [False] * 3
        assert checking.verify(device).problems == ()
        assert attachments.attached(device, ids(device, 2)[0]).attachments[0].kept


def test_blocks_whose_item_this_release_does_not_know_stay(twin, monkeypatch):
    with monkeypatch.context() as later:
        later.setitem(codec._topic_of, ItemCollected, "item.collected/3")
        add(twin, *behind(message(1, file(LONG)), LONG))
    retaining.tidy(twin)
    assert twin.views.owed() == ()
    assert not any(entry.erased for entry in entries(twin.log))


def test_after_an_erasure_nothing_is_noted_of_what_was_read(twin):
    add(twin, message(1))
    with twin.fingerprints() as prints:
        prints.put({b"name": _File(size=1, modified=1, ends=b"", cursor=b"a mail's id")}, 1)
    forgetting.forget(twin, ids(twin, 1))
    with twin.fingerprints() as prints:
        assert prints.get(b"name") is None


def test_a_backup_brings_files_back(twin, tmp_path, monkeypatch):
    for setting in ("memory", "passes", "lanes"):
        kept = {"memory": 64}.get(setting, 1)
        monkeypatch.setitem(Stretch.__init__.__kwdefaults__, setting, kept)
    many = [os.urandom(BLOCK + number) for number in range(9)]
    add(twin, *(r for n, data in enumerate(many) for r in behind(message(n, file(data)), data)))
    mirroring.backup(twin, tmp_path / "mirror")
    sizes = [path.stat().st_size for path in (tmp_path / "mirror").glob("segment-*")]
    assert max(sizes) < 16 << 20
    assert mirroring.check(twin.home, tmp_path / "mirror", WORDS, share=1.0).problems == ()
    mirroring.restore(tmp_path / "again", tmp_path / "mirror", WORDS)
    again = bootstrap.open_(tmp_path / "again", WORDS)
    again.catch_up()
    assert all(there(again, data) for data in many)
    again.close()


# ---------------------------------------------------------------------- the portable copy


def brought(copy):
    """What the portable source yields of a copy."""
    tree = grow(copy)
    PORTABLE.brings(tree)
    return [
        one for one in PORTABLE.read(tree, None, frozenset()) if isinstance(one, Item | Content)
    ]


def test_a_copy_has_the_files_and_another_vault_takes_them_over(twin, made, tmp_path):
    records = (
        *behind(message(1, file(LONG, "a.jpg"), file(b"far", "gone")), LONG),
        *behind(message(2, file(LONG, "b.jpg"), file(SHORT)), LONG, SHORT),
    )
    add(twin, *records)
    done = exporting.export(twin, tmp_path / "copy")
    assert (done.items, done.attachments) == (2, 2)
    folder = tmp_path / "copy" / "attachments"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        sha256(data).hexdigest(): data for data in (LONG, SHORT)
    }
    manifest = json.loads((tmp_path / "copy" / "manifest.json").read_text())
    listed = {one["path"]: one["sha256"] for one in manifest["files"]}
    for data in (LONG, SHORT):
        assert listed[f"attachments/{sha256(data).hexdigest()}"] == sha256(data).hexdigest()
    assert brought(tmp_path / "copy") == list(records)
    shutil.copytree(made, tmp_path / "other")
    other = bootstrap.open_(tmp_path / "other", WORDS)
    add(other, *brought(tmp_path / "copy"))
    assert there(other, LONG)
    assert there(other, SHORT)
    assert add(twin, *brought(tmp_path / "copy")).collected == 0
    other.close()


def test_a_copy_has_the_files_of_what_is_in_force_alone(twin, tmp_path):
    add(twin, *behind(message(1, file(LONG)), LONG), *behind(message(2, file(SHORT)), SHORT))
    add(twin, *behind(message(1, file(b"new")), b"new"))
    forgetting.forget(twin, ids(twin, 2))
    assert exporting.export(twin, tmp_path / "copy").attachments == 1
    [only] = (tmp_path / "copy" / "attachments").iterdir()
    assert only.read_bytes() == b"new"


def test_an_export_that_was_stopped_goes_on_and_keeps_no_file_of_what_was_erased(
    twin, tmp_path, monkeypatch
):
    add(twin, *behind(message(1, file(LONG)), LONG), *behind(message(2, file(SHORT)), SHORT))
    dying_at(monkeypatch, "export.finished", lambda: exporting.export(twin, tmp_path / "copy"))
    (tmp_path / "copy" / "manifest.json").unlink()
    forgetting.forget(twin, ids(twin, 2))
    folder = tmp_path / "copy" / "attachments"
    (folder / "half.new").write_bytes(b"x")
    [kept] = [path for path in folder.iterdir() if path.name == sha256(LONG).hexdigest()]
    before = kept.stat().st_ino
    assert exporting.export(twin, tmp_path / "copy").attachments == 1
    assert list(folder.iterdir()) == [kept]
    assert kept.stat().st_ino == before


# ---------------------------------------------------------------------- the command


def test_the_command_lists_and_writes(made, tmp_path):
    vault = Command.in_folder(tmp_path)
    shutil.copytree(made, vault.home)
    picture = vault.cwd / "picture"
    picture.mkdir()
    (picture / "note.md").write_text("---\ntags: [garden]\n---\nSee ![[lamp.png]].\n")
    (picture / "lamp.png").write_bytes(SHORT)
    vault.ok("add", str(picture))
    opened = bootstrap.open_(vault.home, WORDS)
    [note] = opened.vault.find([("markdown", "picture/note.md")])
    opened.close()
    said = vault("attachments", note)
    assert said.out == f"lamp.png  image/png  {len(SHORT)} bytes\n"
    assert "+ lamp.png" in vault("show", note).out
    [one] = vault.ok("attachments", note, "--out", "out")["attachments"]
    assert (one["name"], one["size"], one["kept"]) == ("lamp.png", len(SHORT), True)
    assert (vault.cwd / one["file"]).read_bytes() == SHORT
    assert vault("attachments", "nowhere-1").status == 3
