"""Discord: its own package and DiscordChatExporter tell of the same messages."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.vault.collectors.conftest import Gather
from vault.collectors.api import Record
from vault.collectors.readers.archives import grow
from vault.collectors.sources.discord import SOURCE
from vault.items import Agent, Bad, Content, Item, Progress

ADA = Agent(id="discord:200000000000000001", name="Ada")
BOB = Agent(id="discord:200000000000000002", name="bob")
DM, GENERAL = "100000000000000001", "100000000000000002"
FIRST, SECOND, THIRD = 900000000000000001, 900000000000000002, 900000000000000003

ACCOUNT = {
    "id": "200000000000000001",
    "username": "ada",
    "global_name": "Ada",
    "relationships": [{"user": {"id": "200000000000000003", "username": "cy"}}],
}
INDEX = {DM: "Direct Message with bob#0", GENERAL: "general in Bakers", "100000000000000009": None}
CHANNELS = {
    DM: {"id": DM, "type": "DM", "recipients": ["200000000000000001", "200000000000000002"]},
    GENERAL: {
        "id": GENERAL,
        "type": "GUILD_TEXT",
        "name": "general",
        "guild": {"id": "300000000000000001", "name": "Bakers"},
    },
}


def own(number: int, text: str, attachments: str = "") -> dict[str, object]:
    """Return a message as the package has it."""
    return {
        "ID": number,
        "Timestamp": "2023-12-07 12:34:56",
        "Contents": text,
        "Attachments": attachments,
    }


PACKAGE = {
    DM: [own(FIRST, "hello <@200000000000000002>"), own(THIRD, "", "https://cdn.example/a.png")],
    GENERAL: [own(SECOND, "see <#100000000000000002> <a:kek:123456> <@200000000000000003>")],
}


def package(
    root: Path, messages: Mapping[str, object], account: str = "account", folder: str = "messages"
) -> Path:
    files: dict[str, object] = {f"{account}/user.json": ACCOUNT, f"{folder}/index.json": INDEX}
    for number, found in messages.items():
        files[f"{folder}/c{number}/channel.json"] = CHANNELS[number]
        files[f"{folder}/c{number}/messages.json"] = found
    for name, value in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(json.dumps(value))
    return root


def user(number: int, name: str) -> dict[str, object]:
    return {
        "id": str(200000000000000000 + number),
        "name": name.lower(),
        "discriminator": "0000",
        "nickname": name,
        "color": None,
        "isBot": False,
        "roles": [],
    }


def saved(number: int, text: str, who: dict[str, object], **other: object) -> dict[str, object]:
    """Return a message as DiscordChatExporter saves it, on a machine in Amsterdam."""
    return {
        "id": str(number),
        "type": "Default",
        "timestamp": "2023-12-07T13:34:56.789+01:00",
        "timestampEdited": None,
        "isPinned": False,
        "content": text,
        "author": who,
        "attachments": [],
        "embeds": [],
        "mentions": [],
        **other,
    }


def export(path: Path, number: str, messages: list[dict[str, object]]) -> Path:
    direct = number == DM
    document = {
        "guild": {"id": "0", "name": "Direct Messages" if direct else "Bakers", "iconUrl": "x"},
        "channel": {
            "id": number,
            "type": "DirectTextChat" if direct else "GuildTextChat",
            "name": "bob" if direct else "general",
            "topic": None,
        },
        "dateRange": {"after": None, "before": None},
        "exportedAt": "2024-01-01T00:00:00.0000000+01:00",
        "messages": messages,
        "messageCount": len(messages),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2))
    return path


def read(path: Path, *me: str) -> list[Record]:
    found = SOURCE.read(grow(path), None, frozenset(me))
    return [one for one in found if not isinstance(one, Progress)]


def items(path: Path, *me: str) -> list[Item]:
    return [one for one in read(path, *me) if isinstance(one, Item)]


def test_a_package_holds_what_its_owner_sent(tmp_path: Path) -> None:
    first, third, second = items(package(tmp_path / "package", PACKAGE))
    assert first == Item(
        source="discord",
        native_id=str(FIRST),
        type="message.chat.direct.sent",
        at=datetime(2023, 12, 7, 12, 34, 56, tzinfo=UTC),
        author=ADA,
        to=(BOB,),
        conversation=DM,
        text="hello @bob",
        locator=f"package/messages/c{DM}/messages.json#1",
    )
    assert (third.text, third.conversation) == ("", DM)
    assert (second.text, second.type) == ("see #general :kek: @cy", "message.chat.group.sent")
    assert (second.to, second.tags) == ((), ("Bakers", "general"))


def test_both_exports_tell_of_the_same_messages(tmp_path: Path) -> None:
    def alike(item: Item) -> tuple[object, ...]:
        return (item.native_id, item.type, item.at, item.text, item.conversation, item.tags)

    ada, bob = user(1, "Ada"), user(2, "Bob")
    export(tmp_path / "dce" / "dm.json", DM, [saved(FIRST, "hello @bob", ada), saved(7, "ho", bob)])
    export(
        tmp_path / "dce" / "general.json", GENERAL, [saved(SECOND, "see #general :kek: @cy", ada)]
    )
    first, other, second = items(tmp_path / "dce", "200000000000000001")
    theirs = items(package(tmp_path / "package", PACKAGE))
    assert [alike(first), alike(second)] == [alike(theirs[0]), alike(theirs[2])]
    assert first.author == theirs[0].author
    assert (other.type, other.author) == (
        "message.chat.direct.received",
        Agent(id=BOB.id, name="Bob"),
    )


@pytest.mark.parametrize("folders", [("Konto", "Nachrichten"), ("Account", "Messages")])
def test_a_translated_package_reads_the_same(folders: tuple[str, str], tmp_path: Path) -> None:
    found = items(package(tmp_path / "package", PACKAGE, *folders))
    assert [one.text for one in found] == ["hello @bob", "", "see #general :kek: @cy"]
    assert {one.author for one in found} == {ADA}


def test_an_old_package_is_a_table(tmp_path: Path) -> None:
    root = package(tmp_path, {DM: []})
    table = (
        "ID,Timestamp,Contents,Attachments\r\n"
        f'{FIRST},2019-07-10 18:00:00.123000+00:00,"two\nlines, ""quoted""",\r\n'
        f"{SECOND},2019-07-10 18:00:01+00:00,,https://cdn.example/a.png\r\n"
        "soon,2019-07-10 18:00:01+00:00,x,\r\n"
    )
    (root / "messages" / f"c{DM}" / "messages.json").unlink()
    (root / "messages" / f"c{DM}" / "messages.csv").write_text(table, newline="")
    first, second, bad = read(root)
    assert isinstance(first, Item)
    assert (first.native_id, first.text) == (str(FIRST), 'two\nlines, "quoted"')
    assert first.at == datetime(2019, 7, 10, 18, 0, 0, tzinfo=UTC)
    assert isinstance(second, Item)
    assert isinstance(bad, Bad)
    assert bad.reason == "it has no date or no number"


def test_replies_bots_and_what_the_system_tells(tmp_path: Path) -> None:
    ada, bob = user(1, "Ada"), user(2, "Bob")
    forwarded = {"timestamp": "2020-01-01T00:00:00+00:00", "content": "Not mine"}
    path = export(
        tmp_path / "x.json",
        GENERAL,
        [
            saved(1, "Ada pinned a message.", ada, type="ChannelPinnedMessage"),
            saved(2, "Started a call", ada, type="Call"),
            saved(3, "", bob, embeds=[{"title": "x", "description": "words of a page"}]),
            saved(4, "Yes", ada, type="Reply", reference={"messageId": "2", "channelId": GENERAL}),
            saved(5, "", ada, reference={"type": "Forward"}, forwardedMessage=forwarded),
            saved(6, "<@200000000000000002> <@&5> <t:1392734382:R>", ada, mentions=[bob]),
        ],
    )
    reply, forward, raw = items(path, "ada")
    assert (reply.native_id, reply.reply_to, reply.sent) == ("4", "2", True)
    assert (forward.text, forward.own_text, forward.reply_to) == ("Not mine", "", "")
    assert raw.text == "@Bob @deleted-role 2014-02-18 14:39 UTC"


def test_assets_that_were_saved_come_with_their_bytes(tmp_path: Path) -> None:
    attachments = [
        {"id": "1", "url": "x.json_Files\\fig-0A1B2.png", "fileName": "fig.png"},
        {"id": "2", "url": "https://cdn.example/other.png", "fileName": "other.png"},
    ]
    message = saved(1, "", user(1, "Ada"), attachments=attachments)
    path = export(tmp_path / "dce" / "x.json", GENERAL, [message])
    (path.parent / "x.json_Files").mkdir()
    (path.parent / "x.json_Files" / "fig-0A1B2.png").write_bytes(b"a fig")
    tree = grow(tmp_path)
    tree = tree.sub([one for one in tree.files if one.suffix == ".json"])
    item, content, _ = SOURCE.read(tree, None, frozenset())
    assert isinstance(item, Item)
    assert isinstance(content, Content)
    assert [(one.name, one.size) for one in item.attachments] == [("fig-0A1B2.png", 5)]
    assert content.data == b"a fig"


def test_broken_messages_leave_the_others(tmp_path: Path) -> None:
    ada = user(1, "Ada")
    messages = [
        saved(1, "one", ada),
        saved(2, "two", ada, timestamp="yesterday"),
        saved(3, "BROKEN", ada),
        saved(4, "four", ada, author=5),
        saved(5, "five", ada),
    ]
    path = export(tmp_path / "x.json", GENERAL, messages)
    path.write_text(path.read_text().replace('"BROKEN"', '"BROKEN'))
    found = read(path)
    assert [one.text for one in found if isinstance(one, Item)] == ["one", "five"]
    assert [one.reason for one in found if isinstance(one, Bad)] == [
        "it has no date or no number",
        "it is broken or cut off JSON",
        "it is of another shape than such files have",
    ]
    path.write_text(path.read_text()[:-200])
    assert read(path)[-1] == Bad(
        locator=read(path)[-1].locator,  # type: ignore[union-attr]
        reason="the file is cut off or broken from here on",
    )


def test_files_are_known_by_what_is_in_them(tmp_path: Path) -> None:
    package(tmp_path / "p", PACKAGE)
    export(tmp_path / "any name.json", GENERAL, [])
    (tmp_path / "p" / "README.txt").write_text("Welcome to your Discord Data Package!")
    (tmp_path / "other.json").write_text('{"id": "not a number", "type": "DM"}')
    (tmp_path / "notes.txt").write_text("Discord Data Package")
    tree = grow(tmp_path)
    sureness = {one.path.partition("/")[2]: SOURCE.detect(tree.sub([one])) for one in tree.files}
    assert {name for name, sure in sureness.items() if not sure} == {"other.json", "notes.txt"}
    assert {name for name, sure in sureness.items() if sure > 0.9} == {
        "any name.json",
        "p/README.txt",
        f"p/messages/c{DM}/messages.json",
        f"p/messages/c{GENERAL}/messages.json",
    }


def test_a_package_is_collected_whole_and_the_same_each_time(
    tmp_path: Path, gather: Gather
) -> None:
    root = package(tmp_path / "package", {**PACKAGE, GENERAL: []})
    (root / "README.txt").write_text("Welcome to your Discord Data Package!")
    first = gather(root)
    assert [one.text for one in first.items] == ["hello @bob", ""]
    assert not first.bad
    assert gather(root).items == first.items
