import json
import shutil
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from vault.collectors.readers.archives import grow
from vault.collectors.readers.mojibake import repaired
from vault.collectors.sources.instagram import SOURCE as INSTAGRAM
from vault.collectors.sources.messenger import SOURCE
from vault.items import Agent, Bad, Content, Item, Progress

INBOX = "your_facebook_activity/messages/inbox/zoeoconnor_1234567890"
ME, ZOE = "Ada Lovelace", "Zoë O\u2019Connor"


def damaged(value):
    """JSON as Meta writes it: each byte of UTF-8 as a letter of its own."""
    match value:
        case str():
            return value.encode().decode("latin-1")
        case list():
            return [damaged(one) for one in value]
        case dict():
            return {key: damaged(one) for key, one in value.items()}
    return value


def said(sender, milliseconds, content=None, **more):
    words = {} if content is None else {"content": content}
    return {"sender_name": sender, "timestamp_ms": milliseconds, **words, **more}


def thread(*messages, people=(ZOE, ME), **more):
    return {
        "participants": [{"name": name} for name in people],
        "messages": list(messages),
        "title": people[0],
        "is_still_participant": True,
        "thread_path": "inbox/zoeoconnor_1234567890",
        "magic_words": [],
        **more,
    }


def write(path, value, *, mend=damaged):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(mend(value), indent=2))
    return path


MESSAGES = (
    said(ME, 1_700_000_009_000, "Call me", call_duration=0),
    said(ZOE, 1_700_000_008_000, "Reacted ❤ to your message "),
    said(ZOE, 1_700_000_007_000, is_unsent=True),
    said(ZOE, 1_700_000_006_000, "Zoë O\u2019Connor sent an attachment.", share={"link": "https://example.org/a"}),
    said(ZOE, 1_700_000_005_000, photos=[{"uri": f"{INBOX}/photos/1_n.jpg", "creation_timestamp": 1}]),
    said(ME, 1_700_000_004_500, "So fast 😀", reactions=[{"reaction": "❤", "actor": ZOE}]),
    said(ZOE, 1_700_000_003_000, "Déjà vu?"),
)  # fmt: skip


@pytest.fixture
def export(tmp_path):
    write(tmp_path / INBOX / "message_1.json", thread(*MESSAGES))
    photo = tmp_path / INBOX / "photos/1_n.jpg"
    photo.parent.mkdir()
    photo.write_bytes(b"\xff\xd8 photo")
    return tmp_path


def read(path, me=(ME,), source=SOURCE):
    tree = grow(path)
    part = tree.sub([file for file in tree.files if source.detect(tree.sub([file])) > 0.75])
    records = list(source.read(part, None, frozenset(name.casefold() for name in me)))
    return [record for record in records if not isinstance(record, Progress)]


def items(records):
    return [record for record in records if isinstance(record, Item)]


def test_a_thread_is_exactly_these_messages_the_oldest_first(export):
    sent, received = "message.chat.direct.sent", "message.chat.direct.received"
    found = [(item.type, item.author.name, item.text) for item in items(read(export))]
    assert found == [
        (received, ZOE, "Déjà vu?"),
        (sent, ME, "So fast 😀"),
        (received, ZOE, ""),
        (received, ZOE, "https://example.org/a"),
    ]
    second = items(read(export))[1]
    assert second.at == datetime(2023, 11, 14, 22, 13, 24, 500_000, tzinfo=UTC)
    assert (second.assumed, second.offset) == (False, None)
    assert second.to == (Agent(id=f"name:{ZOE}", name=ZOE),)
    assert second.conversation == "zoeoconnor_1234567890"


def test_a_photo_beside_comes_with_its_bytes(export):
    records = read(export)
    digest = sha256(b"\xff\xd8 photo").hexdigest()
    assert [shown.sha256 for shown in records[2].attachments] == [digest]
    assert records[3] == Content(sha256=digest, part=0, parts=1, data=b"\xff\xd8 photo")


def test_ids_stay_in_a_later_download_where_the_thread_was_archived(export, tmp_path):
    before = [item.native_id for item in items(read(export))]
    later = thread(said(ZOE, 1_800_000_000_000, "new"), *MESSAGES)
    later["thread_path"] = "archived_threads/zoeoconnor_1234567890"
    write(tmp_path / "later/messages/archived_threads/z/message_1.json", later)
    after = [item.native_id for item in items(read(tmp_path / "later"))]
    assert after[:4] == before
    assert len(set(after)) == 5
    assert read(export) == read(export)


def test_three_people_are_a_group(tmp_path):
    write(tmp_path / "message_1.json", thread(MESSAGES[-1], people=(ZOE, ME, "Grace")))
    assert [item.type for item in items(read(tmp_path))] == ["message.chat.group.received"]


def test_the_profile_of_the_same_download_tells_who_the_owner_is(export):
    profile = {"profile_v2": {"name": {"full_name": ME}}}
    write(export / "personal_information/profile_information/profile_information.json", profile)
    types = [item.type for item in items(read(export, me=()))]
    assert types.count("message.chat.direct.sent") == 1
    shutil.move(export / "your_facebook_activity", export / "another/your_facebook_activity")
    assert not any(item.sent for item in items(read(export, me=())))


def test_encrypted_chats_of_their_own_download_are_not_damaged(tmp_path):
    value = {
        "participants": [ME, ZOE],
        "threadName": "Zoë_40",
        "messages": [
            {"isUnsent": False, "media": [], "reactions": [], "senderName": ZOE, "text": "Ã©", "timestamp": 1_746_073_791_906, "type": "text"},
            {"isUnsent": False, "media": [{"uri": "./media/u1.jpeg"}], "reactions": [], "senderName": ME, "text": "", "timestamp": 1_746_073_791_000, "type": "media"},
            {"isUnsent": True, "media": [], "senderName": ME, "text": "gone", "timestamp": 1_746_073_790_000, "type": "placeholder"},
        ],
    }  # fmt: skip
    write(tmp_path / "Zoë_40.json", value, mend=lambda value: value)
    (tmp_path / "media").mkdir()
    (tmp_path / "media/u1.jpeg").write_bytes(b"\xff\xd8")
    found = [
        (item.author.name, item.text, item.conversation, len(item.attachments), item.sent)
        for item in items(read(tmp_path))
    ]
    assert found == [(ME, "", "Zoë_40", 1, True), (ZOE, "Ã©", "Zoë_40", 0, False)]


@pytest.mark.parametrize(
    "broken",
    [
        '"a string"',
        '{"sender_name": 7, "timestamp_ms": 1}',
        '{"sender_name": "x", "timestamp_ms": "soon"}',
        '{"sender_name": "x", "timestamp_ms": 1e300}',
        '{"timestamp_ms": 5}',
        "null",
    ],
)
def test_a_broken_message_is_told_and_the_ones_around_it_read(tmp_path, broken):
    text = json.dumps(thread(said(ZOE, 2000, "b"), "BROKEN", said(ZOE, 1000, "a")))
    path = tmp_path / "message_1.json"
    path.write_text(text.replace('"BROKEN"', broken))
    records = read(path)
    assert [item.text for item in items(records)] == ["a", "b"]
    assert [one.locator for one in records if isinstance(one, Bad)] == ["message_1.json#1"]


def test_a_file_that_is_cut_off_gives_what_is_there(export):
    path = export / INBOX / "message_1.json"
    text = path.read_text()
    path.write_text(text[: text.index("So fast")])
    records = read(export)
    assert len([one for one in records if isinstance(one, Item)]) == 2
    assert [one.locator.partition("#")[0] for one in records if isinstance(one, Bad)] == [
        f"{export.name}/{INBOX}/message_1.json"
    ]


def test_a_lone_half_of_an_emoji_is_no_end(tmp_path):
    text = json.dumps(thread(said(ZOE, 1000, "HALF"))).replace("HALF", "half \\ud83d")
    (tmp_path / "message_1.json").write_text(text)
    assert [item.text for item in items(read(tmp_path))] == ["half \ufffd"]


def test_pages_are_told_with_the_way_out(tmp_path):
    path = tmp_path / "messages/inbox/zoe_1/message_1.html"
    path.parent.mkdir(parents=True)
    path.write_text(
        '<html><head></head><body class="_5vb_ _2yq"><div class="_a6-g">Hi</div></body>'
    )
    (bad,) = read(tmp_path)
    assert "ask for the download again, with JSON" in bad.reason


def test_whose_thread_it_is_is_told_by_the_path_or_by_the_files_in_it(tmp_path):
    plain = write(tmp_path / "a/message_1.json", thread(MESSAGES[-1]))
    facebook = write(tmp_path / "facebook-ada/b/message_1.json", thread(MESSAGES[-1]))
    shown = said(ZOE, 1, photos=[{"uri": "your_instagram_activity/messages/inbox/z/1.jpg"}])
    pictured = write(tmp_path / "c/message_1.json", thread(shown))
    instagram = write(tmp_path / "instagram-ada/d/message_1.json", thread(MESSAGES[-1]))
    other = write(tmp_path / "e.json", {"messages": [{"text": "hello"}]})
    tree = grow(tmp_path)
    surest = {}
    for file in tree.files:
        scores = {one.name: one.detect(tree.sub([file])) for one in (SOURCE, INSTAGRAM)}
        surest[file.path.partition("/")[2]] = (
            max(scores, key=scores.get) if any(scores.values()) else ""
        )
    expected = {plain: "messenger", facebook: "messenger", pictured: "instagram"}
    expected |= {instagram: "instagram", other: ""}
    assert surest == {str(path.relative_to(tmp_path)): name for path, name in expected.items()}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("ZoÃ«", "Zoë"),
        ("\u00f0\u009f\u0098\u0080", "😀"),
        ("plain", "plain"),
        ("Zoë", "Zoë"),
        ("日本", "日本"),
    ],
)
def test_damage_is_repaired_where_it_is(written, meant):
    assert repaired(written) == meant
