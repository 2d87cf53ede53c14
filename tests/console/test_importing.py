"""Importing the same again costs next to nothing; what was not read is listed and read later."""

import os
import shutil
import zipfile
from email.message import EmailMessage

import pytest

from console import bootstrap
from console.use import collecting, forgetting, importing, living, sources
from projections.imports import Imports
from tests.helpers import PASSPHRASE
from vault.collectors.job import file_of
from vault.consent import Effect, Filters, Purpose
from vault.derived import Derived
from vault.errors import Erased, NotFound, PolicyClosed, StorageError, UsageError
from vault.events import ImportFinished, ItemErased
from vault.follow import Entry, Page
from vault.items import Bad

PLUG_IN = """
from vault.items import Bad, Item

class Strange:
    name = "strange"
    types = frozenset({"document.note"})
    version = 1

    def detect(self, tree):
        return 1.0 if [file.suffix for file in tree.files] == [".strange"] else 0.0

    def read(self, tree, cursor, me):
        for file in tree.files:
            with tree.open(file.path) as stream:
                text = stream.read_all(1 << 20).decode()
            yield Item(source="strange", native_id=file.path, type="document.note", text=text,
                       locator=file.path)

SOURCE = Strange()
"""


@pytest.fixture
def opened(vault):
    """The vault, opened in this process."""
    twin = bootstrap.open_(vault.home, PASSPHRASE)
    yield twin
    twin.close()


@pytest.fixture
def notes(tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.txt").write_text(f"words of note {number}")
    return folder


@pytest.fixture
def reads(monkeypatch):
    """What a reading was told to leave alone, each time."""
    seen = []
    real = collecting.collect

    def watched(path, me, **given):
        seen.append(given)
        yield from real(path, me, **given)

    monkeypatch.setattr(collecting, "collect", watched)
    return seen


def install(folder, monkeypatch):
    """A source of somebody else that was not there before."""
    metadata = folder / "site" / "strange-1.0.dist-info"
    metadata.mkdir(parents=True)
    (folder / "site" / "strange_plug_in.py").write_text(PLUG_IN)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: strange\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[vault.collectors]\nstrange = strange_plug_in:SOURCE\n"
    )
    monkeypatch.syspath_prepend(folder / "site")


def message(number, words="words"):
    mail = EmailMessage()
    mail["From"] = "ned@example.org"
    mail["To"] = "ada@example.org"
    mail["Date"] = "Mon, 02 Jan 2012 15:04:05 +0000"
    mail["Message-ID"] = f"<{number}@example.org>"
    mail.set_content(f"{words} {number}\n" + "and more of them\n" * 200)
    return b"From ned@example.org Mon Jan  2 15:04:05 2012\n" + bytes(mail) + b"\n"


# --- the same again ---


def test_the_vault_and_its_recovery_page_are_collected_by_no_way(opened):
    for path in (opened.home, *bootstrap.recovery_pages(opened.home)):
        for read in (collecting.survey, collecting.add, collecting.peek):
            with pytest.raises(UsageError):
                list(read(opened, path))
    read = [one.locator for one in collecting.peek(opened, opened.home.parent)]
    assert not any(opened.home.name in locator for locator in read)


@pytest.mark.parametrize("zipped", [False, True])
def test_the_same_again_is_not_read_and_leaves_no_event(opened, notes, tmp_path, reads, zipped):
    (notes / "a.mov").write_bytes(b"\0\0\0\x14ftypqt")
    path = notes
    if zipped:
        path = tmp_path / "notes.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(notes.iterdir()):
                archive.write(file, file.name)
    first = collecting.add(opened, path)
    end = opened.log.head.position
    again = collecting.add(opened, path)
    assert (first.read, first.collected, first.duplicates) == (4, 3, 0)
    assert (again.read, again.collected, again.duplicates) == (4, 0, 3)
    assert again.bad == first.bad
    assert opened.log.head.position == end
    assert len(reads[1]["kept"]) == (1 if zipped else 4)


def test_parts_of_one_download_are_known_again(opened, notes, tmp_path, reads):
    folder = tmp_path / "downloads"
    folder.mkdir()
    for number, file in enumerate(sorted(notes.iterdir()), 1):
        with zipfile.ZipFile(folder / f"takeout-{number}-of-3.zip", "w") as archive:
            archive.write(file, f"Takeout/{file.name}")
    assert collecting.add(opened, folder).collected == 3
    assert collecting.add(opened, folder).duplicates == 3
    assert list(reads[1]["kept"]) == ["downloads/takeout.zip"]


def test_what_changed_is_read_and_the_rest_is_left_alone(opened, notes, reads):
    collecting.add(opened, notes)
    (notes / "1.txt").write_text("other words")
    (notes / "new.txt").write_text("new words")
    again = collecting.add(opened, notes)
    assert (again.collected, again.duplicates) == (2, 2)
    assert sorted(reads[1]["kept"]) == ["notes/0.txt", "notes/2.txt"]


def test_a_file_of_the_same_size_and_time_with_other_words_is_read(opened, notes):
    facts = (notes / "1.txt").stat()
    collecting.add(opened, notes)
    (notes / "1.txt").write_text("sword of note 1")
    os.utime(notes / "1.txt", ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert collecting.add(opened, notes).collected == 1


def test_a_note_is_read_again_when_the_picture_in_it_changes(opened, tmp_path):
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "note.md").write_text("![](a.png)")
    (folder / "plain.txt").write_text("words")
    (folder / "a.png").write_bytes(b"\x89PNG one")
    assert collecting.add(opened, folder).collected == 2
    assert collecting.add(opened, folder).collected == 0
    (folder / "a.png").write_bytes(b"\x89PNG another")
    assert collecting.add(opened, folder).collected == 1


def test_a_mailbox_that_grew_is_read_from_where_it_ended(opened, tmp_path):
    path = tmp_path / "all.mbox"
    path.write_bytes(b"".join(message(number) for number in range(100)))
    collecting.add(opened, path)
    # What stands in the middle would be a revision, if anybody looked at it.
    whole = path.read_bytes().replace(b"words 50\n", b"sword 50\n")
    path.write_bytes(whole + message(100))
    again = collecting.add(opened, path)
    assert (again.collected, again.duplicates) == (1, 100)
    assert collecting.add(opened, path).duplicates == 101


def test_a_mailbox_that_ends_otherwise_than_it_did_is_read_as_a_whole(opened, tmp_path):
    path = tmp_path / "all.mbox"
    path.write_bytes(b"".join(message(number) for number in range(100)))
    collecting.add(opened, path)
    path.write_bytes(b"".join(message(number) for number in range(99)) + message(99, "x") * 2)
    assert collecting.add(opened, path).collected == 1


def test_under_other_names_everything_is_read_again(opened, tmp_path):
    path = tmp_path / "all.mbox"
    path.write_bytes(message(1))
    collecting.add(opened, path)
    again = collecting.add(opened, path, names=["ned@example.org"])
    assert (again.collected, again.duplicates) == (1, 0)


def test_what_consent_refused_is_read_again_once_it_is_allowed(opened, notes):
    [part] = collecting.survey(opened, notes).parts
    one = Filters(conversation=part.samples[1].conversation)
    opened.vault.say(Effect.DENY, "document.note", Purpose.COLLECT, filters=one)
    first = collecting.add(opened, notes)
    assert (first.collected, len(first.bad)) == (2, 1)
    assert len(collecting.add(opened, notes).bad) == 1
    opened.vault.say(Effect.ALLOW, "document.note", Purpose.COLLECT, filters=one)
    assert collecting.add(opened, notes).collected == 1


def test_what_was_erased_stays_erased_and_is_noted_nowhere(opened, notes):
    (notes / "1.txt").write_text("xylophone")
    collecting.add(opened, notes)
    [erased] = opened.vault.find([("text", "notes/1.txt")])
    opened.vault.erase([erased], ())
    collecting.add(opened, notes)
    with opened.fingerprints() as prints:
        rows = list(prints._db.execute("SELECT * FROM files"))
    noted = b"".join(value for row in rows for value in row if isinstance(value, bytes))
    assert b"xylophone" not in noted
    assert b"1.txt" not in noted
    os.utime(notes / "1.txt", ns=(1, 1))
    assert collecting.add(opened, notes).collected == 0
    assert opened.vault.find([("text", "notes/1.txt")]) == ("",)


EMPTY = b"From bo@example.org Mon Jan  2 15:04:05 2012\n\n\n"


def items_of(twin, word):
    """The items of files whose name holds a word."""
    return [
        stored.id
        for stored in twin.views.timeline.load([one for one, _ in twin.views.timeline.units()])
        if word in stored.item.locator
    ]


def test_the_record_of_an_import_goes_with_the_last_item_of_what_it_names(opened, notes, tmp_path):
    for name in ("bo.mbox", "al.mbox"):
        (tmp_path / name).write_bytes(b"".join(message(f"{name}{n}") for n in range(3)))
        collecting.add(opened, tmp_path / name)
    collecting.add(opened, notes)
    opened.catch_up()
    first, *rest = items_of(opened, "bo.mbox")
    forgetting.forget(opened, [first])
    assert [one.number for one in importing.imports(opened).imports] == [1, 2, 3]
    [record, *_] = opened.views.imports.all()
    assert opened.log.data_key(*opened.log.located([record.id]))
    done = forgetting.forget(opened, rest)
    [store] = [one for one in done.stores if one.store == "records of imports"]
    assert (store.destroyed, store.left) == (1, 0)
    assert [one.number for one in importing.imports(opened).imports] == [2, 3]
    assert importing.count(opened) == 3
    assert opened.log.entry(record.id).event is None
    assert not opened.log.data_key(*opened.log.located([record.id]))
    with pytest.raises(Erased, match="import 1"):
        importing.show(opened, 1)
    anew = bootstrap.open_(opened.home, PASSPHRASE, views=tmp_path / "anew")
    anew.catch_up()
    assert anew.views.imports.dump() == opened.views.imports.dump()
    anew.close()


def test_what_was_not_read_of_a_forgotten_file_names_it_no_more(opened, tmp_path):
    folder = tmp_path / "letters"
    folder.mkdir()
    for name in ("bo", "al"):
        (folder / f"{name}.mbox").write_bytes(message(name) + EMPTY)
    collecting.add(opened, folder)
    opened.catch_up()
    [record] = opened.views.imports.all()
    assert {bad.locator.partition(".mbox#")[0] for bad in record.event.bad} == {
        "letters/bo", "letters/al",
    }  # fmt: skip
    forgetting.forget(opened, items_of(opened, "bo.mbox"))
    assert importing.imports(opened).imports == ()
    assert opened.log.entry(record.id).event is None
    # It is read again, and what is known of it is not put on the record again.
    again = collecting.add(opened, folder)
    assert {file_of(bad.locator) for bad in again.bad} == {"letters/bo.mbox", "letters/al.mbox"}
    opened.catch_up()
    [record] = opened.views.imports.all()
    assert {file_of(bad.locator) for bad in record.event.bad} == {"letters/al.mbox"}
    assert record.event.read == record.event.duplicates + 1
    assert record.number == 2
    [kept] = items_of(opened, "al.mbox")
    assert living.life(opened, kept).read_by == 0


def test_a_record_stays_while_anything_is_left_of_what_it_names(opened, tmp_path, chat):
    folder = tmp_path / "all"
    folder.mkdir()
    (folder / "bo.mbox").write_bytes(message("bo"))
    shutil.copy(chat, folder)
    collecting.add(opened, folder, names=("Ada Quill",))
    (tmp_path / "all.mbox").write_bytes(message("other"))
    collecting.add(opened, tmp_path / "all.mbox")
    opened.catch_up()
    forgetting.forget(opened, items_of(opened, "bo.mbox"))
    assert [one.locator for one in importing.imports(opened).imports] == ["all", "all.mbox"]
    forgetting.forget(opened, [*items_of(opened, "all/")])
    assert [one.locator for one in importing.imports(opened).imports] == ["all.mbox"]


def test_numbers_are_the_same_whether_a_record_went_or_never_came(tmp_path):
    event = ImportFinished(locator="bo", read=1, collected=1, duplicates=0)
    topic = "import.finished/2"

    def followed(name, *entries):
        view = Imports(Derived(tmp_path / name, bytes(32)))
        view.begin("one")
        view.apply(Page(entries=entries, position=len(entries)))
        return view

    came = Entry(1, "a-1", topic, 5, event)
    later = Entry(2, "a-2", topic, 6, event)
    erased = Entry(3, "a-3", "item.erased/2", 7, ItemErased(item_ids=("a-1",)))
    views = [
        followed("came", came, later, erased),
        followed("gone", came._replace(event=None, erased=True), later, erased),
        followed("kept", came._replace(event=None, withheld=True), later, erased),
        followed("late", erased._replace(position=1), came._replace(position=2), later),
    ]
    assert [[one.number for one in view.all()] for view in views] == [[2]] * 4
    assert views[0].dump() == views[1].dump() == views[2].dump()


def test_who_loses_the_fingerprints_loses_time_only(opened, notes, vault, reads):
    (notes / "a.mov").write_bytes(b"\0\0\0\x14ftypqt")
    collecting.add(opened, notes)
    end = opened.log.head.position
    (vault.home / "views" / "fingerprints.db").write_bytes(b"damaged")
    assert collecting.add(opened, notes).duplicates == 3
    assert not reads[1]["kept"]
    assert opened.log.head.position == end


def test_an_interrupted_import_notes_nothing_that_was_not_stored(opened, tmp_path, monkeypatch):
    path = tmp_path / "all.mbox"
    path.write_bytes(b"".join(message(number) for number in range(1500)))
    with monkeypatch.context() as patch:
        left = [1]

        def append(drafts, real=opened.log.append):
            if len(drafts) > 1 and not left:
                raise StorageError("The disk is full.")
            if len(drafts) > 1:
                left.pop()
            return real(drafts)

        patch.setattr(opened.log, "append", append)
        with pytest.raises(StorageError):
            collecting.add(opened, path)
    again = collecting.add(opened, path)
    assert (again.collected, again.duplicates) == (500, 1000)


# --- what is said before ---


def test_a_survey_says_of_each_part_what_it_holds_and_stores_nothing(opened, tmp_path, chat):
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / chat.name).write_text(chat.read_text())
    (folder / "note.md").write_text("a note")
    (folder / "a.mov").write_bytes(b"\0\0\0\x14ftypqt")
    end = opened.log.head.position
    found = collecting.survey(opened, folder, names=["Ada Quill"])
    talk, note = found.parts
    assert (talk.source, talk.counted, talk.own, talk.others) == ("whatsapp", "exactly", 4, 4)
    assert (f"{talk.first_at:%Y-%m-%d}", f"{talk.last_at:%Y-%m-%d}") == ("2023-02-01", "2023-02-04")
    assert talk.part == f"mixed/{chat.name}"
    assert (note.source, note.own, note.others) == ("markdown", 1, 0)
    assert [item.text for item in note.samples] == ["a note"]
    assert [bad.locator for bad in found.bad] == ["mixed/a.mov"]
    assert opened.log.head.position == end


def test_a_survey_looks_only_at_what_is_new(opened, notes):
    collecting.add(opened, notes)
    assert not collecting.survey(opened, notes).is_new
    (notes / "new.txt").write_text("new words")
    assert [part.part for part in collecting.survey(opened, notes).parts] == ["notes/new.txt"]


def test_the_command_says_what_it_found_and_stores_only_on_yes(vault, chat):
    person = "import sys; sys.stdin.isatty = lambda: True"
    said = "whatsapp: 8 items (4 yours, 4 others'), 2023-02-01 to 2023-02-04, in"
    done = vault("add", str(chat), "--me", "Ada Quill", before=person, text="n\n")
    assert (done.status, said in done.out, "Nothing was stored." in done.out) == (0, True, True)
    assert vault.ok("imports")["imports"] == []
    done = vault("add", str(chat), "--me", "Ada Quill", before=person, text="y\n")
    assert (done.status, "8 collected" in done.out) == (0, True), done


# --- what is the same ---


def test_notes_of_one_name_in_two_folders_are_two(opened, tmp_path):
    for year in ("2023", "2024"):
        (tmp_path / year).mkdir()
        (tmp_path / year / "list.txt").write_text(f"figs of {year}")
        assert collecting.add(opened, tmp_path / year).collected == 1
    [first, second] = opened.vault.find([("text", f"{year}/list.txt") for year in (2023, 2024)])
    forgetting.forget(opened, [first])
    assert opened.log.entry(second).event.item.text == "figs of 2024"


def test_a_note_is_the_same_one_alone_and_with_its_folder(opened, notes):
    assert collecting.add(opened, notes / "1.txt").collected == 1
    assert (done := collecting.add(opened, notes)).duplicates == 1, done


# --- what was not read ---


def test_imports_are_listed_with_the_places_of_what_was_not_read(vault, notes):
    (notes / "a.mov").write_bytes(b"\0\0\0\x14ftypqt")
    vault.ok("add", str(notes))
    vault.ok("add", str(notes))
    [past] = vault.ok("imports")["imports"]
    assert (past["number"], past["read"], past["collected"], past["bad"]) == (1, 4, 3, 1)
    assert (past["locator"], past["path"], past["sources"]) == ("notes", str(notes), ["text"])
    shown = vault.ok("imports", "show", "1")
    assert shown["unread"] == [
        {"locator": "notes/a.mov", "reason": "no source reads this kind of file (.mov)"}
    ]
    assert "1 not read: no source reads" in vault("imports").out
    assert vault.refused(3, "imports", "show", "2")["code"] == "not_found"


def test_what_may_not_be_collected_is_not_called_unreadable(vault, notes):
    (notes / "a.mov").write_bytes(b"\0\0\0\x14ftypqt")
    (notes / "mail.eml").write_bytes(b"From: ada@example.org\nSubject: bread\n\nfigs\n")
    vault.ok("consent", "deny", "message", "collect")
    assert "3 collected, 0 there already, 1 not readable, 1 denied." in vault("add", str(notes)).out


def test_a_retry_reads_what_could_not_be_read_and_nothing_else(
    opened, notes, tmp_path, monkeypatch, reads
):
    (notes / "a.strange").write_text("strange words")
    collecting.add(opened, notes)
    assert importing.retry(opened).retried[0].imported.collected == 0
    install(tmp_path, monkeypatch)
    end = opened.log.head.position
    (notes / "new.txt").write_text("nobody asked for this")
    [done] = importing.retry(opened, 1).retried
    assert (done.imported.read, done.imported.collected) == (1, 1)
    assert sorted(reads[-1]["kept"]) == sorted(f"notes/{n}.txt" for n in (0, 1, 2, "new"))
    assert opened.log.head.position > end
    assert [past.retried for past in importing.imports(opened).imports] == [0, 1]
    assert importing.retry(opened).retried == ()


def test_a_new_source_reads_what_nobody_read_when_it_is_added_again(
    opened, notes, tmp_path, monkeypatch
):
    (notes / "a.strange").write_text("strange words")
    assert len(collecting.add(opened, notes).bad) == 1
    install(tmp_path, monkeypatch)
    again = collecting.add(opened, notes)
    assert (again.collected, again.duplicates, again.bad) == (1, 3, ())


def test_what_consent_refuses_keeps_nobody_from_a_retry(opened, notes, tmp_path, chat, monkeypatch):
    (notes / "a.strange").write_text("strange words")
    collecting.add(opened, notes)
    opened.vault.say(Effect.DENY, "message", Purpose.COLLECT, filters=Filters(source="whatsapp"))
    with pytest.raises(PolicyClosed):
        collecting.add(opened, chat)
    install(tmp_path, monkeypatch)
    done = importing.retry(opened)
    assert [one.imported.collected for one in done.retried] == [1]
    [refused] = done.refused
    assert refused.locator == chat.name
    assert "is denied" in refused.reason


def test_a_path_that_is_refused_by_now_keeps_nobody_from_a_retry(
    opened, notes, tmp_path, monkeypatch
):
    old = tmp_path / "old"
    old.mkdir()
    for folder in (old, notes):
        (folder / "a.strange").write_text("strange words")
        collecting.add(opened, folder)
    # Where it was there is the vault by now, under another name.
    (old / "a.strange").unlink()
    old.rmdir()
    old.symlink_to(opened.home)
    install(tmp_path, monkeypatch)
    done = importing.retry(opened)
    assert [one.imported.collected for one in done.retried] == [1]
    assert [(one.number, one.locator) for one in done.refused] == [(1, "old")]
    assert "the vault itself" in done.refused[0].reason
    with pytest.raises(UsageError):
        importing.retry(opened, 1)


def test_what_was_moved_is_read_again_from_where_it_lies_now(opened, notes, tmp_path, monkeypatch):
    (notes / "a.strange").write_text("strange words")
    collecting.add(opened, notes)
    moved = notes.rename(tmp_path / "moved")
    with pytest.raises(NotFound, match="--from"):
        importing.retry(opened, 1)
    assert [past.number for past in importing.retry(opened).gone] == [1]
    install(tmp_path, monkeypatch)
    [done] = importing.retry(opened, 1, path=moved).retried
    assert (done.imported.read, done.imported.collected) == (1, 1)


def test_more_failures_than_the_log_names_are_found_by_their_files(opened, notes, reads):
    (notes / "a.strange").write_text("strange words")
    collecting.add(opened, notes)
    event = ImportFinished(
        locator="notes",
        path=str(notes),
        read=2,
        collected=0,
        duplicates=0,
        bad_reasons=(("many", 2),),
        bad=(Bad(locator="notes/0.txt", reason="many"),),
    )
    opened.vault.record(event)
    importing.retry(opened, 2)
    assert sorted(reads[-1]["kept"]) == [f"notes/{number}.txt" for number in range(3)]


# --- what can be read ---


def test_sources_say_what_they_read_and_broken_ones_are_told(twin, tmp_path, monkeypatch):
    install(tmp_path, monkeypatch)
    known = {one.name: one for one in sources.known().sources}
    assert known["whatsapp"].built_in
    assert known["whatsapp"].types[0] == "message.chat.direct.received"
    assert (known["strange"].built_in, known["strange"].title) == (False, "strange")
    (tmp_path / "site" / "strange_plug_in.py").write_text("raise RuntimeError")
    monkeypatch.delitem(__import__("sys").modules, "strange_plug_in")
    assert "'strange' is broken" in sources.known().broken[0]
    assert "WhatsApp" in twin("sources").out
    assert {one["name"] for one in twin.ok("sources")["sources"]} >= {"mbox", "portable"}
