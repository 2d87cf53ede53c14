"""Slack: workspaces, what is a message in them, and who wrote it."""

import json
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.vault.collectors.conftest import Gather
from vault.collectors.api import Record
from vault.collectors.readers.archives import grow
from vault.collectors.sources.slack import SOURCE
from vault.items import Agent, Bad, Content, Item, Progress

ADA, BOB = Agent(id="slack:U1", name="ada"), Agent(id="slack:U2", name="Bob B.")
BOT = Agent(id="slack:B9", name="Deploy")
USERS = [
    {
        "id": "U1",
        "team_id": "T1",
        "name": "ada.l",
        "real_name": "Ada Lovelace",
        "tz_offset": 3600,
        "profile": {"display_name": "ada", "email": "ada@example.org"},
    },
    {"id": "U2", "name": "bob", "profile": {"real_name": "Bob B.", "display_name": ""}},
]
LISTS = {
    "users": USERS,
    "channels": [{"id": "C1", "name": "general", "created": 1, "members": ["U1", "U2"]}],
    "groups": [{"id": "G1", "name": "secret", "created": 1}],
    "dms": [{"id": "D1", "created": 1, "members": ["U1", "U2"]}],
    "mpims": [{"id": "G2", "name": "mpdm-ada--bob-1", "members": ["U1", "U2", "U3"]}],
    "integration_logs": [{"user_id": "U1", "app_type": "x"}],
}


def said(ts: str, user: str | None, text: str, **other: object) -> dict[str, object]:
    return {"type": "message", "user": user, "text": text, "ts": ts, **other}


GENERAL = [
    said("1704448800.000100", "U1", "&lt;figs&gt; &amp; <https://a.example|bread>"),
    said("1704448800.000200", "U2", "joined", subtype="channel_join"),
    said("1704448801.000300", "U2", "Yes, <@U1>", thread_ts="1704448800.000100"),
    said("1704448802.000400", "U2", "also", thread_ts="1704448802.000400", reply_count=1),
    said("1704448803.000500", "USLACKBOT", "This message was deleted.", subtype="tombstone"),
    said("1704448804.000600", None, "Done", subtype="bot_message", bot_id="B9", username="Deploy"),
]
DAYS = {
    "general/2024-01-05": GENERAL,
    "secret/2024-01-05": [said("1704448800.000100", "U2", "psst")],
    "D1/2024-01-05": [said("1704448800.000100", "U1", "hi"), said("1704448805.000100", "U2", "ho")],
    "mpdm-ada--bob-1/2024-01-05": [said("1704448806.000100", "U1", "all")],
}


def write(
    root: Path, days: Mapping[str, object], lists: Mapping[str, object] | None = None
) -> Path:
    for name, value in {**(LISTS if lists is None else lists), **days}.items():
        path = root / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value, indent=4))
    return root


def read(path: Path, *me: str) -> list[Record]:
    tree = grow(path)
    found = SOURCE.read(tree.sub(tree.files, path.name), None, frozenset(me))
    return [one for one in found if not isinstance(one, Progress)]


def items(path: Path, *me: str) -> list[Item]:
    return [one for one in read(path, *me) if isinstance(one, Item)]


def test_a_workspace_reads_as_it_was_exported(tmp_path: Path) -> None:
    found = items(write(tmp_path / "export", DAYS), "ada@example.org")
    channel = (("general",), ())
    assert [
        (one.native_id, one.type.split(".", 2)[2], one.author, one.text, (one.tags, one.to))
        for one in found
    ] == [
        ("D1/1704448800.000100", "direct.sent", ADA, "hi", ((), (BOB,))),
        ("D1/1704448805.000100", "direct.received", BOB, "ho", ((), (ADA,))),
        ("C1/1704448800.000100", "group.sent", ADA, "<figs> & bread", channel),
        ("C1/1704448801.000300", "group.received", BOB, "Yes, @ada", channel),
        ("C1/1704448802.000400", "group.received", BOB, "also", channel),
        ("C1/1704448804.000600", "group.received", BOT, "Done", channel),
        ("G2/1704448806.000100", "group.sent", ADA, "all", ((), (BOB, Agent(id="slack:U3")))),
        ("G1/1704448800.000100", "group.received", BOB, "psst", (("secret",), ())),
    ]
    assert found[0].at == datetime(2024, 1, 5, 10, tzinfo=UTC)
    assert [one.offset for one in found[:2]] == [60, None]
    assert [one.reply_to for one in found[2:5]] == ["", "C1/1704448800.000100", ""]
    assert {one.conversation for one in found} == {"C1", "D1", "G1", "G2"}


@pytest.mark.parametrize(
    ("me", "sent"),
    [
        (("ada lovelace",), True),
        (("ada",), True),
        (("ada@example.org", "bob"), True),
        (("u1",), True),
        (("bob",), False),
        ((), False),
    ],
)
def test_the_owner_is_told_by_name_address_or_id(
    me: tuple[str, ...], sent: bool, tmp_path: Path
) -> None:
    hi, ho = items(write(tmp_path, {"D1/2024-01-05": DAYS["D1/2024-01-05"]}), *me)
    assert hi.sent == sent
    assert ho.sent == (me == ("bob",))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<!here> and <!subteam^S1|@bakers>", "@here and @bakers"),
        ("<#C1|general> <#C1> <#C8>", "#general #general #C8"),
        ("<@U2|bobby> <@U8|old> <@U8>", "@Bob B. @old @U8"),
        ("<mailto:a@b.example|a@b.example> <https://b.example>", "a@b.example https://b.example"),
        ("<!date^1392734382^{date}|18 Feb>", "18 Feb"),
        ("1 &lt; 2 &amp;amp; &gt;", "1 < 2 &amp; >"),
    ],
)
def test_marks_become_what_is_shown(text: str, shown: str, tmp_path: Path) -> None:
    day = {"general/2024-01-05": [said("1704448800.000100", "U1", text)]}
    assert [one.text for one in items(write(tmp_path, day))] == [shown]


def test_what_slack_says_of_a_shared_file_is_no_message_of_its_author(tmp_path: Path) -> None:
    wrapped = "<@U1|ada> uploaded a file: <https://f|fig.png> and commented: Look!"
    file = {"id": "F1", "name": "fig.png", "initial_comment": {"comment": "Look!", "user": "U1"}}
    remark = {"comment": "Nice", "user": "U2"}
    days = {
        "general/2015-01-05": [
            said("1420448800.000100", "U1", wrapped, subtype="file_share", file=file),
            said("1420448801.000100", None, "Bob said", subtype="file_comment", comment=remark),
        ]
    }
    first, second = items(write(tmp_path, days))
    assert [(one.author, one.text) for one in (first, second)] == [(ADA, "Look!"), (BOB, "Nice")]


@pytest.mark.parametrize("place", ["__uploads/F1/fig.png", "general/attachments/F1-fig.png"])
def test_files_that_slackdump_saved_come_with_their_bytes(place: str, tmp_path: Path) -> None:
    files = [{"id": "F1", "name": "fig.png"}, {"id": "F2", "name": "fig.png"}]
    days = {"general/2024-01-05": [said("1704448800.000100", "U1", "", files=files)]}
    root = write(tmp_path / "export", days)
    (root / place).parent.mkdir(parents=True)
    (root / place).write_bytes(b"a fig")
    item, content = read(root)
    assert isinstance(item, Item)
    assert isinstance(content, Content)
    assert [one.size for one in item.attachments] == [5]
    assert content.data == b"a fig"


def test_without_lists_a_day_is_read_by_what_it_says_itself(tmp_path: Path) -> None:
    profile = {"real_name": "Ada Lovelace", "display_name": "ada"}
    day = [said("1704448800.000100", "U1", "hi", user_profile=profile)]
    (item,) = items(write(tmp_path, {"general/2024-01-05": day}, {}), "ada lovelace")
    assert (item.native_id, item.author, item.sent) == ("general/1704448800.000100", ADA, True)


def test_broken_messages_leave_the_others(tmp_path: Path) -> None:
    days = {
        "general/2024-01-05": [
            said("1704448800.000100", "U1", "one"),
            said("yesterday", "U1", "two"),
            said("1704448800.000300", "U1", "BROKEN"),
            said("1704448800.000400", "U1", "four"),
        ],
        "general/2024-01-06": [],
    }
    root = write(tmp_path, days)
    day = root / "general" / "2024-01-05.json"
    day.write_text(day.read_text().replace('"BROKEN"', '"BROKEN'))
    found = read(root)
    assert [one.text for one in found if isinstance(one, Item)] == ["one", "four"]
    assert [one.reason for one in found if isinstance(one, Bad)] == [
        "there is no such date",
        "it is broken or cut off JSON",
    ]


def test_a_zip_is_claimed_as_a_whole_and_read_the_same_each_time(
    tmp_path: Path, gather: Gather
) -> None:
    root = write(tmp_path / "export", DAYS)
    path = tmp_path / "added" / "Team Slack export.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(root.rglob("*.json")):
            archive.write(file, f"Team/{file.relative_to(root)}")
    first = gather(path.parent, ["ada@example.org"])
    assert [(one.source, one.files) for one in first.found] == [("slack", 10)]
    assert len(first.items) == 8
    assert not first.bad
    assert gather(path.parent, ["ada@example.org"]).items == first.items


def test_a_day_alone_is_known_and_other_lists_are_not(tmp_path: Path) -> None:
    days = {"general/2024-01-05": GENERAL}
    root = write(tmp_path / "export", days)
    tree = grow(root)
    sureness = {one.name: SOURCE.detect(tree.sub([one])) for one in tree.files}
    assert {name for name, sure in sureness.items() if sure} == {"2024-01-05.json"}
    assert SOURCE.detect(tree.sub(tree.files, "export")) == 0.95
    assert SOURCE.detect(tree.sub(tree.files, "")) == 0.0
