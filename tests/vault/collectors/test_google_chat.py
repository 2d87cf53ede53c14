"""Google Chat: conversations of a Takeout, in whatever language it was asked for."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.vault.collectors.conftest import Gather
from vault.collectors.api import Record
from vault.collectors.readers.archives import grow
from vault.collectors.readers.longdate import parse_long
from vault.collectors.sources.google_chat import SOURCE
from vault.items import Agent, Bad, Content, Item, Progress

ADA = Agent(id="mailto:ada@example.org", name="Ada")
BOB = Agent(id="mailto:bob@example.org", name="Bob")
CY = Agent(id="mailto:cy@example.org", name="Cy")
DATE = "Tuesday, 13 December 2022 at 08:06:31 UTC"
AT = datetime(2022, 12, 13, 8, 6, 31, tzinfo=UTC)


def person(agent: Agent) -> dict[str, str]:
    email = agent.id.removeprefix("mailto:")
    return {"name": agent.name, "email": email, "user_type": "Human"}


def said(place: str, topic: str, who: Agent, text: str = "", **other: object) -> dict[str, object]:
    first, _, number = topic.partition("/")
    return {
        "creator": person(who),
        "created_date": DATE,
        **({"text": text} if text else {}),
        "topic_id": first,
        "message_id": f"{place}/{first}/{number or first}",
        **other,
    }


DIRECT = [
    said("dm1", "a", ADA, "Figs?"),
    said("dm1", "b", BOB, "Yes", quoted_message_metadata={"message_id": "dm1/a/a"}),
    {"message_state": "DELETED", "message_id": "dm1/c/c", "creator": person(BOB)},
]
SPACE = [said("sp1", "t", CY, "Flour"), said("sp1", "t/2", ADA, "Wa\u0308ter")]


def takeout(
    root: Path, groups: str = "Groups", prefix: tuple[str, str] = ("DM ", "Space ")
) -> Path:
    files: dict[str, object] = {
        f"{groups}/{prefix[0]}dm1/messages.json": {"messages": DIRECT},
        f"{groups}/{prefix[0]}dm1/group_info.json": {"members": [person(ADA), person(BOB)]},
        f"{groups}/{prefix[1]}sp1/messages.json": {"messages": SPACE},
        f"{groups}/{prefix[1]}sp1/group_info.json": {
            "name": "Bakers",
            "members": [person(ADA), person(BOB), person(CY)],
        },
        "Users/User 1/user_info.json": {
            "user": person(ADA),
            "membership_info": [{"group_id": "DM dm1", "membership_state": "MEMBER_JOINED"}],
        },
    }
    for name, value in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(json.dumps(value, indent=2))
    return root


def read(path: Path, *me: str) -> list[Record]:
    found = SOURCE.read(grow(path), None, frozenset(me))
    return [one for one in found if not isinstance(one, Progress)]


def items(path: Path, *me: str) -> list[Item]:
    return [one for one in read(path, *me) if isinstance(one, Item)]


@pytest.mark.parametrize(
    ("groups", "prefix"), [("Groups", ("DM ", "Space ")), ("Gruppen", ("Chat ", "Raum "))]
)
def test_a_takeout_says_itself_whose_it_is(
    groups: str, prefix: tuple[str, str], tmp_path: Path
) -> None:
    found = items(takeout(tmp_path / "Google Chat", groups, prefix))
    assert [
        (one.native_id, one.type.split(".", 2)[2], one.author, one.to, one.text) for one in found
    ] == [
        ("dm1/a/a", "direct.sent", ADA, (BOB,), "Figs?"),
        ("dm1/b/b", "direct.received", BOB, (ADA,), "Yes"),
        ("sp1/t/t", "group.received", CY, (ADA, BOB), "Flour"),
        ("sp1/t/2", "group.sent", ADA, (BOB, CY), "Wäter"),
    ]
    assert [one.reply_to for one in found] == ["", "dm1/a/a", "", "sp1/t/t"]
    assert [one.conversation for one in found] == ["dm1", "dm1", "sp1", "sp1"]
    assert [one.tags for one in found] == [(), (), ("Bakers",), ("Bakers",)]
    assert {(one.at, one.offset, one.assumed) for one in found} == {(AT, None, False)}


def test_a_conversation_alone_needs_to_be_told_whose_it_is(tmp_path: Path) -> None:
    path = takeout(tmp_path / "Chat") / "Groups" / "DM dm1" / "messages.json"
    assert [one.sent for one in items(path)] == [False, False]
    assert [one.sent for one in items(path, "ada@example.org")] == [True, False]
    assert [one.sent for one in items(path, "bob")] == [False, True]


@pytest.mark.parametrize(
    "date",
    [
        "Tuesday, 13 December 2022 at 08:06:31 UTC",
        "Tuesday, December 13, 2022 at 8:06:31\u202fAM UTC",
        "Tuesday, December 13, 2022 at 8:06:31 AM UTC",
        "Dienstag, 13. Dezember 2022 um 08:06:31 UTC",
        "mardi 13 décembre 2022 à 08:06:31 UTC",
        "martes, 13 de diciembre de 2022, 8:06:31 UTC",
        "martedì 13 dicembre 2022 alle ore 08:06:31 UTC",
        "terça-feira, 13 de dezembro de 2022 às 08:06:31 UTC",
        "dinsdag 13 december 2022 om 08:06:31 UTC",
        "wtorek, 13 grudnia 2022 08:06:31 UTC",
        "вторник, 13 декабря 2022 г. в 08:06:31 UTC",  # noqa: RUF001
        "13 Aralık 2022 Salı 08:06:31 UTC",  # noqa: RUF001
        "úterý 13. prosince 2022 v 8:06:31 UTC",
        "tiistai 13. joulukuuta 2022 klo 8.06.31 UTC",
        "2022年12月13日火曜日 8時06分31秒 UTC",
        "2022年12月13日星期二 UTC 08:06:31",
        "2022년 12월 13일 화요일 오전 8시 6분 31초 UTC",
        "Tuesday, 13 December 2022 at 10:06:31 GMT+2",
        "2022-12-13T08:06:31Z",
    ],
)
def test_a_date_is_understood_in_many_languages(date: str) -> None:
    when = parse_long(date)
    assert when is not None
    assert (when.at, when.assumed) == (AT, False)


@pytest.mark.parametrize(
    ("date", "month"),
    [
        ("4 mars 2022", 3),
        ("4 maart 2022", 3),
        ("4 mai 2022", 5),
        ("4 juin 2022", 6),
        ("4 juillet 2022", 7),
        ("4. června 2022", 6),
        ("4. července 2022", 7),
        ("4 août 2022", 8),
        ("4 de outubro de 2022", 10),
        ("4 października 2022", 10),
        ("4 ноября 2022", 11),
    ],
)
def test_months_that_begin_alike_are_told_apart(date: str, month: int) -> None:
    when = parse_long(f"{date} 08:06:31")
    assert when is not None
    assert when.at is not None
    assert (when.at.month, when.at.day, when.assumed) == (month, 4, True)


@pytest.mark.parametrize(
    "date",
    [
        "",
        "soon",
        "13 Banana 2022 08:06:31 UTC",
        "December 33, 2022 at 1:00:00 AM UTC",
        "December 3, 2022 at 13:00:00 PM UTC",
        "December 3, 2022 at 25:00:00 UTC",
        "9" * 10_000,
    ],
)
def test_what_is_no_date_is_none(date: str) -> None:
    assert parse_long(date) is None


def test_files_beside_come_with_their_bytes(tmp_path: Path) -> None:
    name = "File-284?account_id=3.png"
    files = [{"original_name": "x.png", "export_name": name}, {"export_name": "File-gone.png"}]
    message = said("dm1", "a", ADA, attached_files=files)
    folder = takeout(tmp_path) / "Groups" / "DM dm1"
    (folder / "messages.json").write_text(json.dumps({"messages": [message]}))
    (folder / "File-284_account_id=3.png").write_bytes(b"a fig")
    (tmp_path / "Groups" / "Space sp1" / "File-gone.png").write_bytes(b"of another")
    tree = grow(tmp_path)
    tree = tree.sub([one for one in tree.files if one.path.endswith("DM dm1/messages.json")])
    item, content, _ = SOURCE.read(tree, None, frozenset())
    assert isinstance(item, Item)
    assert isinstance(content, Content)
    assert [one.size for one in item.attachments] == [5]
    assert content.data == b"a fig"


def test_broken_messages_leave_the_others(tmp_path: Path) -> None:
    path = takeout(tmp_path) / "Groups" / "DM dm1" / "messages.json"
    messages = [
        said("dm1", "a", ADA, "one"),
        said("dm1", "b", ADA, "two", created_date="heute früh"),
        said("dm1", "c", ADA, "three", creator=5),
        said("dm1", "d", ADA, "BROKEN"),
        said("dm1", "e", ADA, "five"),
    ]
    text = json.dumps({"messages": messages}, indent=2).replace('"BROKEN"', '"BROKEN')
    path.write_text(text)
    found = read(path)
    assert [one.text for one in found if isinstance(one, Item)] == ["one", "five"]
    assert [one.reason for one in found if isinstance(one, Bad)] == [
        "it has no date that is known, or no id",
        "it is of another shape than such files have",
        "it is broken or cut off JSON",
    ]


def test_files_are_known_by_what_is_in_them(tmp_path: Path) -> None:
    takeout(tmp_path)
    (tmp_path / "other.json").write_text('{"messages": [{"sender_name": "Ada"}]}')
    tree = grow(tmp_path)
    sureness = {one.path.partition("/")[2]: SOURCE.detect(tree.sub([one])) for one in tree.files}
    assert [name for name, sure in sureness.items() if not sure] == ["other.json"]
    assert [name for name, sure in sureness.items() if sure > 0.9] == [
        "Groups/DM dm1/messages.json",
        "Groups/Space sp1/messages.json",
    ]


def test_a_takeout_is_collected_whole_and_the_same_each_time(
    tmp_path: Path, gather: Gather
) -> None:
    takeout(tmp_path / "Takeout" / "Google Chat")
    first = gather(tmp_path)
    assert len(first.items) == 4
    assert not first.bad
    assert gather(tmp_path).items == first.items
