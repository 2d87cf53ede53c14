"""Telegram: both exports, direct and in groups, and what becomes of what is broken."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.vault.collectors.conftest import Gather
from vault.collectors.api import Record
from vault.collectors.readers.archives import grow
from vault.collectors.sources.telegram import SOURCE
from vault.items import Agent, Bad, Content, Item, Precision, Progress

ADA, BOB, CY = (
    Agent(id="telegram:user1", name="Ada"),
    Agent(id="telegram:user2", name="Bob"),
    Agent(id="telegram:user3", name="Cy"),
)


def said(number: int, who: Agent, text: object, **other: object) -> dict[str, object]:
    """Return a message as Telegram Desktop writes it, on a machine in Amsterdam."""
    return {
        "id": number,
        "type": "message",
        "date": f"2024-01-05T11:{number:02}:00",
        "date_unixtime": str(1704448800 + 60 * number),
        "from": who.name,
        "from_id": who.id.removeprefix("telegram:"),
        "text": text,
        "text_entities": [],
        **other,
    }


DIRECT = {
    "name": "Bob",
    "type": "personal_chat",
    "id": 2,
    "messages": [
        {"id": 1, "type": "service", "date": "2024-01-05T11:01:00", "action": "phone_call"},
        said(2, ADA, "Figs?"),
        said(3, BOB, ["With ", {"type": "bold", "text": "bread"}, "!"], reply_to_message_id=2),
        {"id": 4, "type": "unsupported"},
    ],
}
GROUP = {
    "name": "Bakers",
    "type": "private_supergroup",
    "id": 77,
    "messages": [
        said(1, CY, "Flour\r\nand wa\u0308ter", edited="2024-01-05T12:00:00"),
        said(2, ADA, "Not mine", forwarded_from="Somebody"),
        said(3, ADA, "Mine again", forwarded_from="Ada"),
        said(4, ADA, "Hidden", forwarded_from=None),
    ],
}
SAVED = {"type": "saved_messages", "id": 1, "messages": [said(1, ADA, "Buy figs")]}
OWNER = {"user_id": 1, "first_name": "Ada", "last_name": "", "phone_number": "+44 1"}
ACCOUNT = {
    "about": "Here is the data you requested.",
    "personal_information": OWNER,
    "contacts": {"about": "", "list": [{"user_id": 2, "first_name": "Bob"}]},
    "chats": {"about": "", "list": [DIRECT, GROUP, SAVED]},
    "left_chats": {"about": "", "list": [GROUP | {"id": 78, "name": "Left"}]},
}


def write(path: Path, export: object, *, indent: int | None = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(export, ensure_ascii=False, indent=indent), encoding="utf-8")
    return path


def read(path: Path, *me: str) -> list[Record]:
    tree = grow(path)
    return [one for one in SOURCE.read(tree, None, frozenset(me)) if not isinstance(one, Progress)]


def items(path: Path, *me: str) -> list[Item]:
    return [one for one in read(path, *me) if isinstance(one, Item)]


def test_a_chat_reads_as_it_was_exported(tmp_path: Path) -> None:
    path = write(tmp_path / "ChatExport_2024-01-05" / "result.json", DIRECT)
    text = path.read_text()
    places = [text.rindex("{", 0, text.index(f'"id": {number},\n   "type"')) for number in (2, 3)]
    common = {"source": "telegram", "conversation": "user2", "offset": 60}
    assert read(path) == [
        Item(
            native_id="user2/2",
            type="message.chat.direct.sent",
            at=datetime(2024, 1, 5, 10, 2, tzinfo=UTC),
            author=ADA,
            to=(BOB,),
            text="Figs?",
            locator=f"result.json#{places[0]}",
            **common,  # type: ignore[arg-type]
        ),
        Item(
            native_id="user2/3",
            type="message.chat.direct.received",
            at=datetime(2024, 1, 5, 10, 3, tzinfo=UTC),
            author=BOB,
            reply_to="user2/2",
            text="With bread!",
            locator=f"result.json#{places[1]}",
            **common,  # type: ignore[arg-type]
        ),
    ]


def test_an_account_says_itself_whose_it_is(tmp_path: Path) -> None:
    found = items(write(tmp_path / "result.json", ACCOUNT))
    assert [(one.native_id, one.type.split(".", 2)[2], one.tags) for one in found] == [
        ("user2/2", "direct.sent", ()),
        ("user2/3", "direct.received", ()),
        ("channel77/1", "group.received", ("Bakers",)),
        ("channel77/2", "group.sent", ("Bakers",)),
        ("channel77/3", "group.sent", ("Bakers",)),
        ("channel77/4", "group.sent", ("Bakers",)),
        ("user1/1", "direct.sent", ()),
        ("channel78/1", "group.received", ("Left",)),
        ("channel78/2", "group.sent", ("Left",)),
        ("channel78/3", "group.sent", ("Left",)),
        ("channel78/4", "group.sent", ("Left",)),
    ]


def test_a_chat_alone_and_within_the_account_is_the_same(tmp_path: Path) -> None:
    def without_place(item: Item) -> tuple[object, ...]:
        return (item.native_id, item.type, item.at, item.author, item.to, item.text, item.tags)

    account = items(write(tmp_path / "a" / "result.json", ACCOUNT))
    direct = items(write(tmp_path / "b" / "result.json", DIRECT, indent=None))
    group = items(write(tmp_path / "c" / "result.json", GROUP), "ada")
    assert [*map(without_place, direct + group)] == [*map(without_place, account[:6])]


def test_in_a_group_alone_the_owner_is_told_by_name_or_id(tmp_path: Path) -> None:
    path = write(tmp_path / "result.json", GROUP)
    assert [one.sent for one in items(path)] == [False] * 4
    assert [one.sent for one in items(path, "ada")] == [False, True, True, True]
    assert [one.sent for one in items(path, "user3")] == [True, False, False, False]


def test_forwarded_words_are_somebody_elses(tmp_path: Path) -> None:
    found = items(write(tmp_path / "result.json", GROUP))
    assert [one.own_text for one in found] == ["Flour\nand wäter", "", "Mine again", ""]
    assert found[1].text == "Not mine"


def test_an_old_export_knows_no_zone_and_numbers_for_ids(tmp_path: Path) -> None:
    message = {"id": 5, "type": "message", "date": "2019-02-01T09:08:07", "from": "Bob"}
    old = DIRECT | {"messages": [message | {"from_id": 2, "text": "hi"}]}
    (item,) = items(write(tmp_path / "result.json", old))
    assert item.at == datetime(2019, 2, 1, 9, 8, 7, tzinfo=UTC)
    assert (item.assumed, item.offset, item.precision) == (True, None, Precision.SECOND)
    assert (item.author, item.sent) == (BOB, False)


@pytest.mark.parametrize(
    ("local", "offset"),
    [
        ("2024-03-01T00:30:00", 60),
        ("2024-02-29T23:30:00", 0),
        ("2024-02-29T13:30:00", -600),
        ("2024-03-01T13:30:00", 14 * 60),
        ("2024-03-01T05:15:00", 345),
        ("later", None),
    ],
)
def test_the_clock_beside_tells_the_zone(local: str, offset: int | None, tmp_path: Path) -> None:
    message = said(1, ADA, "late", date=local, date_unixtime="1709249400")
    (item,) = items(write(tmp_path / "result.json", DIRECT | {"messages": [message]}))
    assert item.at == datetime(2024, 2, 29, 23, 30, tzinfo=UTC)
    assert item.offset == offset


def test_media_that_lie_beside_come_with_their_bytes(tmp_path: Path) -> None:
    left_out = "(File not included. Change data exporting settings to download.)"
    messages = [
        said(1, ADA, "", photo="photos/fig.jpg"),
        said(2, ADA, "", file=left_out, media_type="sticker"),
        said(3, ADA, "", photo="photos/gone.jpg"),
    ]
    path = write(tmp_path / "export" / "result.json", DIRECT | {"messages": messages})
    for folder in ("export/photos", "other/photos"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "export" / "photos" / "fig.jpg").write_bytes(b"a fig")
    (tmp_path / "other" / "photos" / "gone.jpg").write_bytes(b"another")
    tree = grow(tmp_path)
    file = next(one for one in tree.files if one.name == path.name)
    photo, content, sticker, gone, _ = SOURCE.read(tree.sub([file]), None, frozenset())
    assert isinstance(photo, Item)
    assert isinstance(content, Content)
    assert [(one.name, one.media_type, one.size) for one in photo.attachments] == [
        ("fig.jpg", "image/jpeg", 5)
    ]
    assert (content.sha256, content.data) == (photo.attachments[0].sha256, b"a fig")
    assert isinstance(sticker, Item)
    assert isinstance(gone, Item)
    assert sticker.attachments == gone.attachments == ()


def test_broken_messages_leave_the_others(tmp_path: Path) -> None:
    messages = [
        said(1, ADA, "one"),
        said(2, ADA, {"of": "another shape"}),
        said(3, ADA, "no date", date="soon", date_unixtime="later"),
        said(4, ADA, "no such date", date_unixtime="99999999999999"),
        said(5, ADA, "BROKEN"),
        said(6, ADA, "six"),
    ]
    path = write(tmp_path / "result.json", DIRECT | {"messages": messages})
    path.write_text(path.read_text().replace('"BROKEN"', '"BROKEN'))
    found = read(path)
    assert [one.text for one in found if isinstance(one, Item)] == ["one", "six"]
    assert [one.reason for one in found if isinstance(one, Bad)] == [
        "it is of another shape than such files have",
        "there is no such date",
        "there is no such date",
        "it is broken or cut off JSON",
    ]


def test_a_file_cut_off_is_read_up_to_there(tmp_path: Path) -> None:
    path = write(tmp_path / "result.json", ACCOUNT)
    path.write_text(path.read_text().partition("Hidden")[0])
    found = read(path)
    assert len([one for one in found if isinstance(one, Item)]) == 5
    assert [one.reason for one in found if isinstance(one, Bad)] == [
        "the file is cut off or broken from here on"
    ]


@pytest.mark.parametrize(
    ("export", "sureness"),
    [
        (DIRECT, 0.95),
        (GROUP, 0.95),
        (ACCOUNT, 0.95),
        ({"chats": ACCOUNT["chats"]}, 0.95),
        ({"messages": [said(1, ADA, "x")]}, 0.8),
        ({"messages": [{"sender_name": "Ada", "timestamp_ms": 5}]}, 0.0),
        ([DIRECT], 0.95),
        ({"type": "personal_chat"}, 0.0),
    ],
)
def test_an_export_is_known_by_what_is_in_it(
    export: object, sureness: float, tmp_path: Path
) -> None:
    assert SOURCE.detect(grow(write(tmp_path / "renamed.json", export))) == sureness


def test_without_ids_a_message_is_known_by_its_words(tmp_path: Path) -> None:
    message = {"type": "message", "date_unixtime": "1544006350", "from": "Ada", "text": "ok"}
    path = write(tmp_path / "chat" / "result.json", {"messages": [message, message]})
    first, second = items(path)
    assert first.native_id != second.native_id
    assert [one.native_id for one in items(path)] == [first.native_id, second.native_id]


def test_a_whole_export_is_collected_the_same_each_time(tmp_path: Path, gather: Gather) -> None:
    write(tmp_path / "DataExport" / "result.json", ACCOUNT)
    first = gather(tmp_path, ["Ada"])
    assert len(first.items) == 11
    assert not first.bad
    assert gather(tmp_path, ["Ada"]).items == first.items
    assert {item.type for item in first.items} <= SOURCE.types
