import json
from datetime import UTC, datetime
from hashlib import sha256
from zipfile import ZipFile

import pytest

from vault.collectors.readers.archives import grow
from vault.collectors.sources.keep import SOURCE
from vault.items import Agent, Bad, Content, Item, Precision

SEA = {
    "attachments": [{"filePath": "1704449400000.photo.jpeg", "mimetype": "image/jpeg"}],
    "color": "DEFAULT",
    "isTrashed": False,
    "isPinned": True,
    "isArchived": True,
    "textContent": "Waves,\r\nall day.",
    "title": "At sea",
    "userEditedTimestampUsec": 1_704_450_000_123_456,
    "createdTimestampUsec": 1_704_449_400_654_321,
    "textContentHtml": "<p>Waves, all day.</p>",
    "labels": [{"name": "Travel"}, {"name": "Log book"}],
    "annotations": [
        {"description": "d", "source": "WEBLINK", "title": "Tides", "url": "https://example.org/"}
    ],
    "sharees": [
        {"email": "ada@other.example", "isOwner": True, "type": "WRITER"},
        {"email": "bob@example.org", "isOwner": False, "type": "WRITER"},
        {"email": "Ada@example.org", "isOwner": False, "type": "WRITER"},
    ],
}
LIST = {
    "color": "BLUE",
    "isTrashed": True,
    "isPinned": False,
    "isArchived": False,
    "listContent": [
        {"text": "milk", "textHtml": "<p>milk</p>", "isChecked": True},
        {"text": "eggs", "isChecked": False},
    ],
    "title": "",
    "userEditedTimestampUsec": 1_704_450_000_000_000,
    "createdTimestampUsec": 1_704_450_000_000_000,
}


def takeout(path, folder="Takeout/Keep", **more):
    """A zip as Takeout writes it; `more` are files of other names beside the two notes."""
    files = {
        "At sea.json": json.dumps(SEA),
        "At sea.html": "<html><title>At sea</title>Waves</html>",
        "2024-01-05T10_20_00.000Z.json": json.dumps(LIST),
        "2024-01-05T10_20_00.000Z.html": "<html></html>",
        "1704449400000.photo.jpg": "JPEG",
        "Labels.txt": "Travel\nLog book\n",
        **more,
    }
    with ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"{folder}/{name}", content)
    return path


def read(path, kind=Item | Bad):
    tree = grow(path)
    records = list(SOURCE.read(tree, None, frozenset({"ada@example.org"})))
    assert list(SOURCE.read(tree, None, frozenset({"ada@example.org"}))) == records
    return [record for record in records if isinstance(record, kind)]


def test_a_note_is_an_item_with_its_labels_links_and_people(tmp_path):
    sea, shopping = read(takeout(tmp_path / "takeout.zip"))
    assert (sea.type, sea.native_id, sea.title) == (
        "document.note",
        "1704449400654321",
        "At sea",
    )
    assert (sea.at, sea.precision, sea.assumed) == (
        datetime(2024, 1, 5, 10, 10, tzinfo=UTC),
        Precision.SECOND,
        False,
    )
    assert sea.text == "Waves,\nall day.\n\nTides https://example.org/"
    assert sea.own_text == "Waves,\nall day."
    assert sea.tags == ("Travel", "Log book", "Archive")
    assert sea.to == (Agent(id="mailto:bob@example.org"),)
    assert sea.conversation == "Keep/At sea"

    assert (shopping.title, shopping.tags) == ("2024-01-05T10_20_00.000Z", ("Trash",))
    assert (shopping.text, shopping.text_new) == ("- [x] milk\n- [ ] eggs", None)


def test_a_photo_is_found_although_its_suffix_differs(tmp_path):
    sea, content, _ = read(takeout(tmp_path / "takeout.zip"), Item | Content)
    (photo,) = sea.attachments
    assert (photo.name, photo.sha256) == (
        "1704449400000.photo.jpg",
        sha256(b"JPEG").hexdigest(),
    )
    assert (content.data, content.sha256) == (b"JPEG", photo.sha256)


@pytest.mark.parametrize("folder", ["Takeout/Keep", "Takeout/Google Notizen", "x"])
def test_all_of_the_folder_is_read_whatever_its_name(tmp_path, gather, folder):
    gathered = gather(takeout(tmp_path / "takeout.zip", folder))
    assert {item.source for item in gathered.items} == {"keep"}
    assert (len(gathered.items), gathered.reasons) == (2, {})


def test_a_renamed_note_stays_the_same(tmp_path):
    renamed = {"Sea 2.json": json.dumps(SEA | {"title": "Sea"})}
    first, _, again = read(takeout(tmp_path / "a.zip", **renamed))
    assert (again.native_id, first.native_id) == (
        f"{first.native_id}#Sea 2.json",
        "1704449400654321",
    )
    (tmp_path / "Sea.json").write_text(renamed["Sea 2.json"])
    (alone,) = read(tmp_path / "Sea.json")
    assert alone.native_id == first.native_id


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (json.dumps(SEA)[:-40], "it is broken or cut off JSON"),
        (json.dumps(SEA | {"labels": 7}), "it is of another shape than such files have"),
        ('{"title": "x"}', "it is no note of Google Keep"),
        ("[" * 1000, "it is nested deeper than 200"),
    ],
)
def test_a_broken_note_is_told_and_the_others_are_read(tmp_path, content, reason):
    records = read(takeout(tmp_path / "t.zip", **{"Broken.json": content}))
    assert [type(record) for record in records] == [Item, Item, Bad]
    assert records[2] == Bad(locator="t.zip!Takeout/Keep/Broken.json", reason=reason)


@pytest.mark.parametrize(
    ("stamps", "at"),
    [
        ({"createdTimestampUsec": "1704449400654321"}, datetime(2024, 1, 5, 10, 10, tzinfo=UTC)),
        ({"createdTimestampUsec": None}, datetime(2024, 1, 5, 10, 20, tzinfo=UTC)),
        ({"createdTimestampUsec": -1}, datetime(2024, 1, 5, 10, 20, tzinfo=UTC)),
        ({"createdTimestampUsec": 10**30}, datetime(2024, 1, 5, 10, 20, tzinfo=UTC)),
    ],
)
def test_the_time_of_a_note_is_the_one_that_can_be(tmp_path, stamps, at):
    (tmp_path / "a.json").write_text(json.dumps(SEA | stamps))
    (item,) = read(tmp_path / "a.json")
    assert item.at == at


def test_other_json_is_not_claimed(tmp_path):
    for name, content in (
        ("a.json", '{"title": "x", "color": "RED"}'),
        ("b.json", "[1, 2]"),
        ("c.txt", "words"),
    ):
        (tmp_path / name).write_text(content)
    tree = grow(tmp_path)
    assert [SOURCE.detect(view) for view in (tree, *(tree.sub([f]) for f in tree))] == [0.0] * 4


def test_a_folder_of_other_things_beside_notes_is_not_claimed(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(SEA))
    (tmp_path / "chat.txt").write_text("words")
    tree = grow(tmp_path)
    assert SOURCE.detect(tree) == 0.0
    assert SOURCE.detect(tree.sub(tree.files[:1])) == 0.95


def test_the_page_of_a_note_is_no_second_note(tmp_path, gather):
    (tmp_path / "At sea.json").write_text(json.dumps(SEA))
    (tmp_path / "At sea.html").write_text("<html><body><p>Waves, all day.</p></body></html>")
    (tmp_path / "chat.txt").write_text("words")
    gathered = gather(tmp_path)
    assert sorted(item.source for item in gathered.items) == ["keep", "text"]
    assert gathered.reasons == {}
