import json
from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from vault.collectors.readers.archives import grow
from vault.collectors.sources.signal import SOURCE
from vault.items import Agent, Bad, Content, Item, Precision, Progress

DIRECT, GROUP = "message.chat.direct", "message.chat.group"


def read(path, me=()):
    tree = grow(path)
    part = tree.sub([file for file in tree.files if SOURCE.detect(tree.sub([file])) > 0.75])
    records = list(SOURCE.read(part, None, frozenset(me)))
    return [record for record in records if not isinstance(record, Progress)]


def items(records):
    return [record for record in records if isinstance(record, Item)]


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


# --- Signal's own export ---

PICTURE = b"\xff\xd8 picture"
KEY = b"k" * 64


def account(letter):
    return b64encode(letter.encode() * 16).decode()


def frame(author, sent, chat="1", **what):
    way = {"outgoing": {"sendStatus": []}} if author == "1" else {"incoming": {"read": True}}
    return {"chatItem": {"chatId": chat, "authorId": author, "dateSent": str(sent), **way, **what}}


def words(body, **more):
    return {"standardMessage": {"text": {"body": body}, **more}}


def export(folder, *more):
    digest = b64encode(sha256(PICTURE).digest()).decode()
    pointer = {
        "contentType": "image/jpeg",
        "locatorInfo": {"plaintextHash": digest, "localKey": b64encode(KEY).decode(), "size": 10},
    }
    title = {
        "title": {"title": "Engines"},
        "members": [{"userId": account("b")}, {"userId": account("c")}],
    }
    frames = [
        {"version": "1", "backupTimeMs": "1700000000000", "currentAppVersion": "Desktop 8.1"},
        {"account": {"givenName": "Ada", "familyName": "Lovelace"}},
        {"recipient": {"id": "1", "self": {}}},
        {"recipient": {"id": "2", "contact": {"aci": account("b"), "e164": "447700900123", "profileGivenName": "Charles"}}},
        {"recipient": {"id": "3", "contact": {"aci": account("c"), "systemGivenName": "Grace", "profileGivenName": "G"}}},
        {"recipient": {"id": "4", "group": {"masterKey": "", "snapshot": title}}},
        {"recipient": {"id": "5", "releaseNotes": {}}},
        {"chat": {"id": "1", "recipientId": "2"}},
        {"chat": {"id": "2", "recipientId": "4"}},
        frame("2", 1_700_000_001_000, **words("Are you awake?")),
        frame("1", 1_700_000_002_000, **words("Always", quote={"targetSentTimestamp": "1700000001000", "authorId": "2"})),
        frame("2", 1_700_000_003_000, remoteDeletedMessage={}),
        frame("2", 1_700_000_004_000, updateMessage={"simpleUpdate": {"type": "JOINED_SIGNAL"}}),
        frame("3", 1_700_000_005_000, chat="2", **words("hi \ufffc!", attachments=[{"pointer": pointer}], reactions=[{"emoji": "❤", "authorId": "1"}])),
        frame("3", 1_700_000_006_000, chat="2", stickerMessage={"sticker": {"emoji": "🦀"}}),
        *more,
    ]  # fmt: skip
    frames[13]["chatItem"]["standardMessage"]["text"]["bodyRanges"] = [
        {"start": 3, "length": 1, "mentionAci": account("b")}
    ]
    lines = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in frames)
    write(folder / "main.jsonl", lines + "\n")
    write(folder / "metadata.json", '{"version":1}')
    name = sha256(sha256(PICTURE).digest() + KEY).hexdigest()
    file = folder / f"files/{name[:2]}/{name}.jpg"
    file.parent.mkdir(parents=True)
    file.write_bytes(PICTURE)
    return folder


def test_the_own_export_is_exactly_these_messages(tmp_path):
    charles = Agent(id="tel:+447700900123", name="Charles")
    grace, ada = (
        Agent(id="name:Grace", name="Grace"),
        Agent(id="name:Ada Lovelace", name="Ada Lovelace"),
    )
    records = read(export(tmp_path / "signal-export-2026"))
    found = [
        (
            item.native_id,
            item.type,
            item.author,
            item.to,
            item.conversation,
            item.reply_to,
            item.text,
        )
        for item in items(records)
    ]
    first = "1700000001000 tel:+447700900123"
    assert found == [
        (first, f"{DIRECT}.received", charles, (), "Charles", "", "Are you awake?"),
        ("1700000002000 name:Ada Lovelace", f"{DIRECT}.sent", ada, (charles,), "Charles", first, "Always"),
        ("1700000005000 name:Grace", f"{GROUP}.received", grace, (charles,), "Engines", "", "hi @Charles!"),
    ]  # fmt: skip
    assert items(records)[0].at == datetime(2023, 11, 14, 22, 13, 21, tzinfo=UTC)
    digest = sha256(PICTURE).hexdigest()
    assert [shown.sha256 for shown in items(records)[2].attachments] == [digest]
    assert records[3] == Content(sha256=digest, part=0, parts=1, data=PICTURE)


def test_broken_frames_are_told_and_the_ones_around_them_read(tmp_path):
    folder = export(
        tmp_path / "x",
        '{"chatItem": {',
        frame("2", "soon", **words("when?")),
        '{"chatItem": {"chatId": [], "authorId": "1"}}',
        {"unheardOf": {}},
        "x" * (9 << 20),
        frame("2", 1_700_000_009_000, **words("last")),
    )
    records = read(folder)
    assert [item.text for item in items(records)][-1] == "last"
    assert len([one for one in records if isinstance(one, Bad)]) == 4
    assert read(folder) == records


# --- signal-export ---

MARKDOWN = """[2023-01-01 12:00:05] Me: hello there  

[2023-01-01 12:00:09] Zoë: 

> hello there
> again

and hello to you
second line  
(- Me: ❤ -)

[2023-01-01 12:01:00] Me: ![a b.jpg](./media/a%20b.jpg)  

[2023-01-01 12:02:00] Zoë: (This message was deleted)

"""  # noqa: W291 - two blanks end a line of Markdown
LINES = (
    {"date": "2023-01-01T12:00:05", "sender": "Me", "body": "hello there  ", "quote": "", "sticker": "", "reactions": [], "attachments": []},
    {"date": "2023-01-01T12:00:09", "sender": "Zoë", "body": "and hello to you  ", "quote": "\n\n> hello\n\n", "sticker": "", "reactions": [["Me", "❤"]], "attachments": []},
    {"date": "2023-01-01T12:01:00", "sender": "Me", "body": "  ", "quote": "", "sticker": "", "reactions": [], "attachments": [{"name": "a b.jpg", "path": "media/a%20b.jpg"}]},
    {"date": "2023-01-01T12:02:00", "sender": "Zoë", "body": "", "quote": "", "sticker": None, "reactions": [], "attachments": [], "deleted": True},
)  # fmt: skip


@pytest.fixture
def chat(tmp_path):
    folder = tmp_path / "Zoë"
    write(folder / "chat.md", MARKDOWN)
    write(folder / "media/a b.jpg", "picture")
    return folder


def test_markdown_of_signal_export_is_exactly_these_messages(chat):
    found = [
        (item.type, item.author and item.author.name, item.text, item.at.strftime("%H:%M:%S"), len(item.attachments))
        for item in items(read(chat.parent))
    ]  # fmt: skip
    assert found == [
        (f"{DIRECT}.sent", None, "hello there", "12:00:05", 0),
        (f"{DIRECT}.received", "Zoë", "and hello to you\nsecond line", "12:00:09", 0),
        (f"{DIRECT}.sent", None, "", "12:01:00", 1),
    ]
    first = items(read(chat.parent))[0]
    assert (first.assumed, first.offset, first.conversation) == (True, None, "Zoë")
    assert first.to == (Agent(id="name:Zoë", name="Zoë"),)


def test_lines_of_json_are_read_in_place_of_the_markdown_beside_them(chat):
    write(chat / "data.json", "".join(json.dumps(line) + "\n" for line in LINES))
    write(chat / "index.html", "<html></html>")
    tree = grow(chat.parent)
    records = read(chat.parent)
    assert [item.text for item in items(records)] == ["hello there", "and hello to you", ""]
    assert {item.locator.partition("#")[0] for item in items(records)} == {
        f"{tree.name}/Zoë/data.json"
    }
    assert isinstance(records[-1], Content)


def test_a_broken_line_of_json_is_told(chat):
    lines = [json.dumps(LINES[0]), '{"date": "yesterday"}', '{"sender"', json.dumps(LINES[1])]
    write(chat / "data.json", "\n".join(lines))
    records = read(chat.parent)
    assert len(items(records)) == 2
    assert len([one for one in records if isinstance(one, Bad)]) == 2


# --- sigtop ---

BLOCKS = """Conversation: Zoë (+447700900123)

From: You
Type: outgoing
Sent: Sun, 1 Jan 2023 12:00:05 +0100

hello there

second paragraph

From: Zoë (+447700900123)
Type: incoming
Sent: Sun, 1 Jan 2023 12:00:09 +0100
Received: Sun, 1 Jan 2023 12:00:10 +0100
Attachment: a.jpg (image/jpeg, 7 bytes)
Reaction: ❤ from You

> From: You
> Sent: Sun, 1 Jan 2023 12:00:05 +0100
>
> hello there

and you?

From: Zoë (+447700900123)
Type: incoming
Sent: Sun, 1 Jan 2023 12:01:00 +0100
Received: Sun, 1 Jan 2023 12:01:00 +0100
Edited: 2 versions

| Version: 2
| Sent: Sun, 1 Jan 2023 12:02:00 +0100
|
| better
|
| Version: 1
| Sent: Sun, 1 Jan 2023 12:01:00 +0100
|
| worse

From: Zoë (+447700900123)
Type: call-history
Sent: Sun, 1 Jan 2023 12:03:00 +0100
Received: Sun, 1 Jan 2023 12:03:00 +0100

"""


def test_text_of_sigtop_is_exactly_these_messages(tmp_path):
    path = write(tmp_path / "Zoë (+447700900123).txt", BLOCKS)
    found = [(item.sent, item.text, item.at.hour, item.offset) for item in items(read(path))]
    assert found == [
        (True, "hello there\n\nsecond paragraph", 11, 60),
        (False, "and you?", 11, 60),
        (False, "better", 11, 60),
    ]
    assert {item.conversation for item in items(read(path))} == {"Zoë"}
    assert {item.type for item in items(read(path))} == {f"{DIRECT}.sent", f"{DIRECT}.received"}


def test_short_text_of_sigtop(tmp_path):
    text = (
        "2023-01-01 12:00 You: hello\nthere\n"
        "2023-01-01 12:01 Zoë: [reply to You on 2023-01-01 12:00, 1 attachment] and you?\n"
        "2023-01-01 12:02 Grace: [call-history message]\n"
        "2023-01-01 12:03 Grace: late\n"
    )
    path = write(tmp_path / "Engines (AbCdEfGhIjKlMnOpQrStUvWxYz0123456789_-AbCdE).txt", text)
    found = [(item.type, item.text, item.precision) for item in items(read(path))]
    assert found == [
        (f"{GROUP}.sent", "hello\nthere", Precision.MINUTE),
        (f"{GROUP}.received", "and you?", Precision.MINUTE),
        (f"{GROUP}.received", "late", Precision.MINUTE),
    ]


def test_json_of_sigtop(tmp_path):
    records = [
        {"type": "outgoing", "conversationId": "c", "sent_at": 1_700_000_001_000, "body": "hello"},
        {"type": "incoming", "conversationId": "c", "sent_at": 1_700_000_002_000, "body": "and you?", "source": "+447700900123"},
        {"type": "incoming", "conversationId": "c", "sent_at": "x", "body": 7},
        {"type": "call-history", "conversationId": "c", "sent_at": 1_700_000_003_000},
    ]  # fmt: skip
    path = write(tmp_path / "Zoë (+447700900123).json", json.dumps(records))
    found = read(path)
    assert [(item.sent, item.text, item.at.second) for item in items(found)] == [
        (True, "hello", 21),
        (False, "and you?", 22),
    ]
    assert [one.locator.rpartition("#")[2] for one in found if isinstance(one, Bad)] == ["2"]


# --- others ---


def test_a_sample_of_another_program_is_exactly_these_messages(shared):
    tree = grow(shared / "exports/signal/cm-export.txt")
    assert SOURCE.detect(tree) == 0.95
    found = items(SOURCE.read(tree, None, frozenset({"john doe"})))
    assert [(item.type, item.author.name, item.text, item.at) for item in found] == [
        (f"{DIRECT}.received", "Jane Doe", "Hello John!", datetime(2019, 12, 24, 12, 23, tzinfo=UTC)),
        (f"{DIRECT}.sent", "John Doe", "Hello\nJane!", datetime(2020, 1, 17, 21, 49, tzinfo=UTC)),
    ]  # fmt: skip


def test_an_encrypted_backup_is_told_with_the_way_out(tmp_path):
    path = tmp_path / "signal-2023-01-01.backup"
    path.write_bytes((70).to_bytes(4, "big") + b"\x0a\x44" + bytes(range(68)) * 20)
    (bad,) = read(path)
    assert "Export chat history" in bad.reason


def test_ids_stay_in_a_longer_export_and_the_same_words_twice_are_two(chat):
    before = [item.native_id for item in items(read(chat.parent))]
    write(chat / "chat.md", MARKDOWN + "[2023-01-01 12:00:05] Me: hello there  \n")
    after = [item.native_id for item in items(read(chat.parent))]
    assert after[: len(before)] == before
    assert len(set(after)) == len(before) + 1


def test_notes_and_exports_of_whatsapp_are_not_of_signal(tmp_path):
    for name, text in (
        ("a.txt", "[2023-01-01, 12:00:05] Me: hello\n[2023-01-02, 12:00:05] Me: hello\n"),
        ("b.txt", "2023-01-01 12:00 INFO: started\n2023-01-01 12:01 INFO: ended\n"),
        ("c.md", "# 2023-01-01\n\nRain.\n"),
        ("d.json", '{"date": "2023-01-01", "body": "x"}'),
    ):
        assert SOURCE.detect(grow(write(tmp_path / name, text))) == 0.0
