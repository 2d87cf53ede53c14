import os
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from vault.collectors.readers.archives import grow
from vault.collectors.sources.markdown import SOURCE
from vault.items import Bad, Content, Item, Precision

DAILY = """---
tags: [journal, "Deep Work"]
aliases: Day one
date: 2024-01-02
created: 2024-01-02T08:00:00+05:30
lang: en-GB
publish: no
---
# A day

Went to [[Places/Cafe|the cafe]] with [[Charles Babbage]] ![[photo.png]] %%private%% ^block1
and felt #grateful, #Journal.

> [!note] callout
> inside
"""
PHOTO = b"\x89PNG" + bytes(1 << 20)


@pytest.fixture
def vault(tmp_path):
    folder = tmp_path / "Notes"
    for name in ("daily", ".obsidian", ".trash", "assets"):
        (folder / name).mkdir(parents=True)
    (folder / ".obsidian" / "app.json").write_text("{}")
    (folder / ".trash" / "Old.md").write_text("thrown away")
    (folder / "assets" / "photo.png").write_bytes(PHOTO)
    (folder / "assets" / "unused.png").write_bytes(b"\x89PNG2")
    (folder / "daily" / "2024-01-02.md").write_text(DAILY)
    (folder / "Idea.md").write_text("An engine.\r\nOf brass.")
    os.utime(folder / "Idea.md", (1_700_000_000, 1_700_000_000))
    return folder


def read(path, kind=Item | Bad):
    tree = grow(path)
    notes = tree.sub(file for file in tree.files if file.suffix == ".md")
    records = list(SOURCE.read(notes, None, frozenset()))
    assert list(SOURCE.read(notes, None, frozenset())) == records
    return [record for record in records if isinstance(record, kind)]


def one(tmp_path, content, name="a.md"):
    path = tmp_path / name
    path.write_text(content)
    (item,) = read(path)
    return item


def test_a_vault_is_one_item_for_each_note(vault):
    idea, daily = read(vault)
    assert (idea.type, idea.native_id, idea.conversation) == (
        "document.note",
        "Notes/Idea.md",
        "Notes/Idea",
    )
    assert (idea.title, idea.text, idea.text_new) == ("Idea", "An engine.\nOf brass.", None)
    assert (idea.at, idea.precision) == (datetime.fromtimestamp(1_700_000_000, UTC), Precision.FILE)
    assert (idea.sent, idea.tags, idea.language) == (True, (), "")

    assert daily.type == "document.journal"
    assert daily.at == datetime(2024, 1, 2, 2, 30, tzinfo=UTC)
    assert (daily.offset, daily.precision, daily.assumed) == (330, Precision.SECOND, False)
    assert (daily.title, daily.language) == ("A day", "en-gb")
    assert daily.tags == ("journal", "Deep Work", "grateful")
    assert "[[Places/Cafe|the cafe]]" in daily.text
    assert "Went to the cafe with Charles Babbage" in daily.own_text
    assert not any(sign in daily.own_text for sign in ("private", "photo", "^block1", "[["))


def test_what_a_note_shows_comes_behind_it_by_the_block(vault):
    _, daily, *blocks = read(vault, Item | Content)
    (photo,) = daily.attachments
    assert (photo.name, photo.media_type, photo.size, photo.sha256) == (
        "photo.png",
        "image/png",
        len(PHOTO),
        sha256(PHOTO).hexdigest(),
    )
    assert b"".join(block.data for block in blocks) == PHOTO
    assert [(block.part, block.parts, block.sha256) for block in blocks] == [
        (0, 2, photo.sha256),
        (1, 2, photo.sha256),
    ]


def test_what_no_note_shows_nobody_read(vault, gather):
    gathered = gather(vault)
    assert len(gathered.items) == 2
    assert list(gathered.reasons) == ["Notes/assets/unused.png"]


def test_names_of_files_may_be_encoded_and_relative(tmp_path):
    for name in ("one two.png", "plan (1).png", "three.png"):
        (tmp_path / name).write_bytes(name.encode())
    text = '![a](one%20two.png) ![b](<plan (1).png>) ![c](../three.png "the third") ![d](https://x/one.png)'
    (tmp_path / "a.md").write_text(text)
    (item,) = read(tmp_path)
    assert [one.name for one in item.attachments] == ["one two.png", "plan (1).png", "three.png"]


@pytest.mark.parametrize(
    ("content", "tags"),
    [
        ("---\ntags: [a b, 'c']\n---\n", ("a b", "c")),
        ("---\ntags:\n  - one\n- two/three\n---\n", ("one", "two/three")),
        (
            "---\ntags: one, two\nkeywords: machine learning\n---\n",
            ("one", "two", "machine learning"),
        ),
        ("---\ntag: '#one'\n---\n#two and (#three) and word#four", ("one", "two")),
        (
            "tags:: [[deep work]], focus\n\n- text #[[two words]]",
            ("deep work", "focus", "two words"),
        ),
        ("# Heading\n#12 and https://x/#part\n#zürich/see.", ("zürich/see",)),
        ("```sh\n#!/bin/sh\n#no\n```\n`#neither` #yes\n~~~\n#open", ("yes", "open")),
        ("#Same #same #SAME", ("Same",)),
    ],
)
def test_tags_are_those_stated_and_those_in_the_text(tmp_path, content, tags):
    assert one(tmp_path, content).tags == tags


def test_a_page_of_logseq_has_its_properties_on_top(tmp_path):
    item = one(tmp_path, "title:: The sea\ncreated:: 2024-01-05 21:30\n\n- waves", "2024_01_05.md")
    assert (item.type, item.title, item.text) == ("document.journal", "The sea", "- waves")
    assert item.at == datetime(2024, 1, 5, 21, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "head", "at", "precision"),
    [
        (
            "a.md",
            "---\ncreated: 2024-03-04 05:06\n---\n",
            datetime(2024, 3, 4, 5, 6, tzinfo=UTC),
            Precision.MINUTE,
        ),
        ("a.md", "---\ndate: '2024-03-04'\n---\n", datetime(2024, 3, 4, tzinfo=UTC), Precision.DAY),
        ("2024-03-04 trip.md", "", datetime(2024, 3, 4, tzinfo=UTC), Precision.DAY),
        ("20240304.md", "", datetime(2024, 3, 4, tzinfo=UTC), Precision.DAY),
        ("4 March 2024.md", "", datetime(2024, 3, 4, tzinfo=UTC), Precision.DAY),
        (
            "a.md",
            "---\ndate: someday\n---\n",
            datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC),
            Precision.FILE,
        ),
    ],
)
def test_when_a_note_was_written_comes_from_the_best_witness(tmp_path, name, head, at, precision):
    path = tmp_path / name
    path.write_text(head + "words")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    (item,) = read(path)
    assert (item.at, item.precision, item.text) == (at, precision, "words")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("---\ntitle: bad: yaml: here\n\tTab\n---\nbody survives", "body survives"),
        ("---\na: &x [lol]\nb: &y [*x,*x]\nc: [*y,*y]\n---\nno bomb", "no bomb"),
        ("---\ntitle: |\n  block\n- stray\n---\nbody", "body"),
        ("---\n- stray\n---\nbody", "body"),
        ("---\nnever closed\nbody", "---\nnever closed\nbody"),
        ("---\na: 1\n---", ""),
        ("--- \nnot a fence", "--- \nnot a fence"),
        ("---\n---\nempty matter", "empty matter"),
    ],
)
def test_front_matter_never_costs_the_body(tmp_path, content, text):
    assert one(tmp_path, content).text == text


def test_a_note_that_is_no_text_is_bad_and_the_others_are_read(tmp_path):
    (tmp_path / "a.md").write_bytes(bytes(range(32)) * 100)
    (tmp_path / "b.md").write_text("fine")
    bad, fine = read(tmp_path)
    assert (bad.reason, fine.text) == ("it is no text", "fine")


def test_hostile_notes_cost_no_more_than_their_length(tmp_path):
    pieces = ["![[" * 90, "[[a|" * 80, "`#" * 100, "%%", "![a](" * 60, "![" * 150, "#a/" * 90, " ^"]
    one(tmp_path, "\n".join(pieces * 1000) + "\n```\n" * 3001)
