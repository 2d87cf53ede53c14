import os
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from vault.items import Precision

DAILY = """---
tags: [journal, "2024"]
aliases: Day one
date: 2024-01-02
created: 2024-01-02T08:00:00+05:30
publish: no
---
# A day

Went to [[Places/Cafe|the cafe]] with [[Charles Babbage]] ![[photo.png]] %%private%% ^block1

> [!note] callout
> inside
"""


@pytest.fixture
def vault(tmp_path):
    folder = tmp_path / "Notes"
    (folder / "daily").mkdir(parents=True)
    (folder / ".obsidian").mkdir()
    (folder / ".obsidian" / "app.json").write_text("{}")
    (folder / "assets").mkdir()
    (folder / "assets" / "photo.png").write_bytes(b"\x89PNG")
    (folder / "assets" / "unused.png").write_bytes(b"\x89PNG2")
    (folder / "daily" / "2024-01-02.md").write_text(DAILY)
    (folder / "Idea.md").write_text("An engine.\r\nOf brass.")
    os.utime(folder / "Idea.md", (1_700_000_000, 1_700_000_000))
    return folder


def test_a_vault_is_one_item_for_each_note(vault, gather):
    gathered = gather(vault)
    idea, daily = gathered.items
    assert (idea.type, idea.native_id, idea.conversation) == (
        "document.note",
        "Idea.md",
        "Notes/Idea",
    )
    assert (idea.title, idea.text, idea.text_new) == ("Idea", "An engine.\nOf brass.", None)
    assert (idea.at, idea.precision) == (datetime.fromtimestamp(1_700_000_000, UTC), Precision.FILE)
    assert idea.sent

    assert daily.type == "document.journal"
    assert daily.at == datetime(2024, 1, 2, 2, 30, tzinfo=UTC)
    assert (daily.offset, daily.precision, daily.assumed) == (330, Precision.SECOND, False)
    assert daily.title == "A day"
    assert "[[Places/Cafe|the cafe]]" in daily.text
    assert "Went to the cafe with Charles Babbage" in daily.own_text
    assert not any(sign in daily.own_text for sign in ("private", "photo", "^block1", "[["))
    (photo,) = daily.attachments
    assert (photo.name, photo.media_type, photo.sha256) == (
        "photo.png",
        "image/png",
        sha256(b"\x89PNG").hexdigest(),
    )
    assert list(gathered.reasons) == ["Notes/assets/unused.png"], "what no note shows, nobody read"


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
        (
            "a.md",
            "---\ndate: someday\n---\n",
            datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC),
            Precision.FILE,
        ),
    ],
)
def test_when_a_note_was_written_comes_from_the_best_witness(  # noqa: PLR0917
    tmp_path, gather, name, head, at, precision
):
    path = tmp_path / name
    path.write_text(head + "words")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    (item,) = gather(path).items
    assert (item.at, item.precision, item.text) == (at, precision, "words")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("---\ntitle: bad: yaml: here\n\tTab\n---\nbody survives", "body survives"),
        ("---\na: &x [lol]\nb: &y [*x,*x]\nc: [*y,*y]\n---\nno bomb", "no bomb"),
        ("---\nnever closed\nbody", "---\nnever closed\nbody"),
        ("---\na: 1\n---", ""),
        ("--- \nnot a fence", "--- \nnot a fence"),
        ("---\n---\nempty matter", "empty matter"),
    ],
)
def test_front_matter_never_costs_the_body(tmp_path, gather, content, text):
    path = tmp_path / "a.md"
    path.write_text(content)
    assert gather(path).texts == [text]


def test_a_note_that_is_no_text_is_bad(tmp_path, gather):
    path = tmp_path / "a.md"
    path.write_bytes(bytes(range(32)) * 100)
    gathered = gather(path)
    assert not gathered.items
    assert list(gathered.reasons) == ["a.md"]
