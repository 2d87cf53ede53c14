"""Collecting as a whole: what dies is named, the rest is read, nothing is told twice."""

import zipfile

import pytest
from msgspec.msgpack import encode

from vault.collectors import Found, Limits, collect, names
from vault.collectors.api import Ended, Kept
from vault.collectors.job import Kind
from vault.collectors.readers import worker
from vault.errors import CollectError, NotFound, UsageError
from vault.items import Bad, Content, Item, Reached

STRANGE = """
import os, signal, time
from vault.items import Bad, Content, Item, Progress, Reached

class Strange:
    name = "strange"
    types = frozenset({"document.note"})
    version = 1

    def detect(self, tree):
        if len(tree.files) != 1:
            return 1.0 if tree.name == "whole" else 0.0
        head = tree.head(tree.files[0].path)
        if head.startswith(b"die while looking"):
            os._exit(9)
        return 0.99 if tree.files[0].path.endswith(".strange") else 0.0

    def read(self, tree, cursor, me):
        for file in tree.files:
            try:
                with tree.open(file.path) as stream:
                    lines = stream.read_all(1 << 20).decode().splitlines()
            except Exception as error:
                yield Bad(locator=file.path, reason=str(error))
                continue
            for number, line in enumerate(lines):
                where = f"{file.path}#{number}"
                reason = tree.enter(where)
                if reason:
                    yield Bad(locator=where, reason=reason)
                    continue
                if line == "segv":
                    signal.raise_signal(signal.SIGSEGV)
                if line == "loop":
                    while True: pass
                if line == "memory":
                    bytearray(1 << 40)
                if line == "raise":
                    raise ValueError("secret")
                if line == "flush":
                    time.sleep(0.3)
                kind = "message.email.sent" if line == "lie" else "document.note"
                yield Item(source="strange", native_id=where, type=kind, text=line, locator=where)
                for part in range(3 if line.startswith("attached") else 0):
                    if tree.enter(f"{where}/{part}"):
                        break
                    yield Content(sha256=line, part=part, parts=3, data=b"x")
                    if part and line == "attached and deadly":
                        signal.raise_signal(signal.SIGSEGV)
            yield Reached(file=file.path, cursor=b"end")

SOURCE = Strange()
"""


@pytest.fixture
def strange(tmp_path, monkeypatch):
    """A plug-in of somebody else, installed beside the project."""
    folder = tmp_path / "site"
    metadata = folder / "strange-1.0.dist-info"
    metadata.mkdir(parents=True)
    (folder / "strange_source.py").write_text(STRANGE)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: strange\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[vault.collectors]\nstrange = strange_source:SOURCE\n"
    )
    monkeypatch.syspath_prepend(folder)
    export = tmp_path / "export"
    export.mkdir()
    return export


def test_a_plug_in_comes_through_the_same_door(strange, gather):
    (strange / "a.strange").write_text("one\ntwo")
    (strange / "b.txt").write_text("text")
    assert "strange" in names()
    gathered = gather(strange)
    assert {(item.source, item.text) for item in gathered.items} == {
        ("strange", "one"),
        ("strange", "two"),
        ("text", "text"),
    }


def test_a_source_may_claim_a_whole_folder(strange, gather):
    folder = strange / "whole"
    folder.mkdir()
    (folder / "a.txt").write_text("one")
    (folder / "b.md").write_text("two")
    (strange / "c.txt").write_text("three")
    gathered = gather(strange)
    assert [(found.source, found.part, found.files) for found in gathered.found] == [
        ("strange", "whole", 2),
        ("text", "export/c.txt", 1),
    ]
    assert gathered.texts == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("line", "said"),
    [("segv", "SIGSEGV"), ("loop", "processor time"), ("memory", "memory")],
)
def test_a_record_that_kills_the_reader_is_bad_and_the_rest_is_read(strange, gather, line, said):
    (strange / "a.strange").write_text(f"one\nflush\ntwo\n{line}\nthree\n")
    (strange / "b.strange").write_text("four")
    (strange / "c.txt").write_text("five")
    gathered = gather(strange, limits=Limits(cpu_seconds=1))
    assert gathered.texts == ["five", "one", "flush", "two", "three", "four"]
    assert list(gathered.reasons) == ["export/a.strange#3"]
    assert said in gathered.reasons["export/a.strange#3"]
    assert [found.source for found in gathered.found] == ["text", "strange"]


def test_a_file_that_kills_the_reader_again_and_again_is_given_up(strange, gather):
    (strange / "a.strange").write_text("one\n" + "segv\n" * 20 + "two")
    (strange / "b.strange").write_text("three")
    gathered = gather(strange)
    assert sorted(gathered.texts) == ["one", "three"]
    assert gathered.reasons["export/a.strange"].endswith("the rest of the file is left out")
    assert len(gathered.bad) == 5


def test_a_file_that_kills_the_reader_while_it_looks_is_bad(strange, gather):
    (strange / "a.dat").write_text("die while looking")
    (strange / "b.strange").write_text("one")
    gathered = gather(strange)
    assert gathered.texts == ["one"]
    assert list(gathered.reasons) == ["export/a.dat"]


def test_a_source_that_raises_loses_the_record_and_nothing_else(strange, gather):
    (strange / "a.strange").write_text("one\nraise\ntwo")
    (strange / "b.txt").write_text("three")
    gathered = gather(strange)
    assert gathered.texts == ["three", "one", "two"]
    assert gathered.reasons == {"export/a.strange#1": "the reader failed (ValueError)"}


def test_a_source_that_fails_before_it_opens_anything_loses_its_part_only(strange, gather):
    code = strange.parent / "site" / "strange_source.py"
    code.write_text(
        STRANGE.replace("for file in tree.files:", "raise KeyError(tree)\n        for file in []:")
    )
    (strange / "a.strange").write_text("one")
    (strange / "b.txt").write_text("two")
    gathered = gather(strange)
    assert gathered.texts == ["two"]
    assert gathered.reasons == {
        "export/a.strange": "the reader failed (KeyError); all of this part is left out"
    }


def test_a_source_that_ignores_refusals_loses_its_part_only(strange, gather):
    code = strange.parent / "site" / "strange_source.py"
    code.write_text(
        STRANGE.replace("if reason:", "if False:").replace("except Exception", "except KeyError")
    )
    (strange / "a.strange").write_text("one\nsegv\ntwo")
    (strange / "b.txt").write_text("three")
    gathered = gather(strange)
    assert gathered.texts == ["three", "one"]
    assert set(gathered.reasons) == {"export/a.strange#1", "export/a.strange"}


def test_an_item_of_a_type_that_the_source_did_not_declare_is_refused(strange, gather):
    (strange / "a.strange").write_text("lie\ntruth")
    gathered = gather(strange)
    assert gathered.texts == ["truth"]
    assert "contract" in gathered.reasons["export/a.strange#0"]


def test_what_belongs_to_an_item_follows_it_even_where_the_reader_dies(strange):
    (strange / "a.strange").write_text("attached\none\nattached and deadly\ntwo")
    told = list(collect(strange / "a.strange", frozenset()))
    contents = [(one.sha256, one.part) for one in told if isinstance(one, Content)]
    assert contents[:3] == [("attached", 0), ("attached", 1), ("attached", 2)]
    # Of the one that was being read, what came may come again.
    assert set(contents[3:]) == {("attached and deadly", 0), ("attached and deadly", 1)}
    texts = [one.text for one in told if isinstance(one, Item)]
    assert texts == ["attached", "one", "attached and deadly", "two"]


def test_the_end_of_a_part_says_what_was_read_and_where_it_ended(strange):
    (strange / "a.strange").write_text("one")
    (strange / "b.mov").write_bytes(b"x")
    [ended] = [one for one in collect(strange, frozenset()) if isinstance(one, Ended)]
    assert (ended.source, ended.version) == ("strange", 1)
    assert ended.files == ended.opened == ("export/a.strange",)
    assert ended.reached == (Reached(file="export/a.strange", cursor=b"end"),)


def test_what_need_not_be_read_is_kept_by_who_reads_as_before(strange):
    (strange / "a.strange").write_text("one")
    (strange / "b.txt").write_text("two")
    for version, read in ((1, ["two"]), (2, ["two", "one"])):
        kept = {"export/a.strange": [f"strange/{version}"]}
        told = list(collect(strange, frozenset(), kept=kept))
        assert [one.text for one in told if isinstance(one, Item)] == read
        left = [file for one in told if isinstance(one, Kept) for file in one.files]
        assert left == (["export/a.strange"] if version == 1 else [])
        assert not [one for one in told if isinstance(one, Bad)]


def test_a_folder_that_is_one_whole_is_read_as_one_when_a_file_of_it_changed(strange):
    folder = strange / "whole"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.txt").write_text(name)
    both = {f"export/whole/{name}.txt": ["strange/1"] for name in ("a", "b")}
    one = {"export/whole/a.txt": ["strange/1"]}
    for kept, read in ((both, []), (one, ["a", "b"])):
        told = list(collect(strange, frozenset(), kept=kept))
        assert [item.text for item in told if isinstance(item, Item)] == read


def test_a_broken_plug_in_is_a_warning(strange, gather, caplog):
    (strange.parent / "site" / "strange_source.py").write_text("raise RuntimeError('broken')")
    (strange / "a.txt").write_text("one")
    assert gather(strange).texts == ["one"]
    assert "strange" in caplog.text


def test_nothing_is_told_twice_when_a_reader_dies_in_the_middle_of_much(strange, gather):
    lines = [f"line {number}" for number in range(3000)]
    lines[1500] = "segv"
    for name in ("a", "b", "c"):
        (strange / f"{name}.strange").write_text("\n".join(lines))
    gathered = gather(strange)
    assert len(gathered.bad) == 3
    ids = [item.native_id for item in gathered.items]
    assert len(ids) == len(set(ids)) == 3 * 2999
    assert ids == sorted(ids, key=lambda i: (i.split("#")[0], int(i.split("#")[1])))


def test_mixed_things_each_find_their_source(tmp_path, gather):
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "renamed").write_bytes(
        b"From a@b.example Mon Jan  2 15:04:05 2012\nFrom: a@b.example\n\nmail\n"
    )
    (folder / "chat.txt").write_text("13/01/24, 10:00 - A: chat\n14/01/24, 10:00 - B: chat\n")
    (folder / "note.md").write_text("note")
    (folder / "plain.txt").write_text("plain")
    (folder / "empty.md").write_text("")
    (folder / "a.mov").write_bytes(b"\0\0\0\x14ftypqt")
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        archive.writestr("inner/note.md", "zipped")
    gathered = gather(folder)
    assert {item.source: item.text for item in gathered.items if item.text != "zipped"} == {
        "mbox": "mail",
        "whatsapp": "chat",
        "markdown": "note",
        "text": "plain",
    }
    assert "zipped" in gathered.texts
    assert gathered.reasons == {
        "mixed/empty.md": "the file is empty",
        "mixed/a.mov": "no source reads this kind of file (.mov)",
    }
    assert gathered.progress[-1].done == gathered.progress[-1].total


def test_the_same_path_reads_the_same_twice(tmp_path, gather):
    test_mixed_things_each_find_their_source(tmp_path, gather)
    assert gather(tmp_path / "mixed").items == gather(tmp_path / "mixed").items


def test_a_named_source_reads_everything(tmp_path, gather):
    (tmp_path / "a.log").write_text("words")
    assert gather(tmp_path / "a.log", source="text").texts == ["words"]


def test_what_cannot_be_asked_is_refused_before_anything_runs(tmp_path):
    with pytest.raises(NotFound, match="nothing"):
        list(collect(tmp_path / "missing", frozenset()))
    with pytest.raises(UsageError, match="mbox"):
        list(collect(tmp_path, frozenset(), source="nonsense"))


def test_an_empty_folder_says_so(tmp_path, gather):
    folder = tmp_path / "nothing"
    folder.mkdir()
    assert gather(folder).reasons == {"nothing": "there are no files in it"}


def test_a_reader_that_does_not_run_is_one_clear_error(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(CollectError, match="does not run"):
        list(collect(tmp_path, frozenset(), limits=Limits(memory=10 << 20)))


def test_memory_stays_bounded_whatever_the_size(tmp_path):
    path = tmp_path / "large.mbox"
    message = (
        b"From a@b.example Mon Jan  2 15:04:05 2012\nFrom: a@b.example\nSubject: x\n\n"
        + b"words here\n" * 900
        + b"\n"
    )
    with path.open("wb") as file:
        for _ in range(6000):
            file.write(message)
    assert path.stat().st_size > 55 << 20
    counts = {Found: 0, Item: 0, Bad: 0}
    # The child would die of twice the file's size, and the parent holds a batch at a time.
    for outcome in collect(path, frozenset(), limits=Limits(memory=200 << 20)):
        if type(outcome) in counts:
            counts[type(outcome)] += 1
    assert counts == {Found: 1, Item: 6000, Bad: 0}


def test_a_reader_that_speaks_for_another_source_is_stopped(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("Rain.")
    frames = [
        (Kind.FOUND, encode(Found(source="text", version=1, part="a.txt", files=1, size=5))),
        (Kind.ITEMS, encode([Item(source="mbox", native_id="1", type="message.email.sent")])),
    ]
    monkeypatch.setattr(worker, "run", lambda *_: iter(frames))
    with pytest.raises(CollectError, match="spoke for another source"):
        list(collect(tmp_path / "a.txt", frozenset()))
