"""A small export for each source, of its true shape, for what is checked of all sources alike."""

import io
import json
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path

__all__ = ["OWNER", "SAMPLES"]

OWNER = frozenset({"ada", "ada@example.org"})
"""The owner of all samples, as names and addresses are compared."""

MAIL = (
    "From a@b.example Mon Jan  2 15:04:05 2012\nFrom: =?utf-8?q?Ad=C3=A9?= <ada@example.org>\n"
    'To: c@d.example, "E, F" <e@f.example>\nDate: Mon, 2 Jan 2012 15:04:05 +0100\nMessage-ID: <1@x>\n'
    "X-GM-THRID: 1598765\nX-Gmail-Labels: =?UTF-8?Q?Wichtig,Gel=C3=B6scht?=\n"
    "References: <0@x>\n <z@x>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n"
    "Content-Type: text/plain; charset=koi8-r\nContent-Transfer-Encoding: base64\n\n8NLJ18XU\n--b\n"
    "Content-Type: text/html\n\n<p>x<blockquote>y</blockquote>\n--b\n"
    'Content-Type: image/png; name="a.png"\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo=\n--b--\n\n'
    "From a@b.example Mon Jan  2 15:04:06 2012\nFrom: b\nSubject: s\n\nOn x wrote:\n> y\n-- \nz\n"
)


def _dump(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def _mbox(folder: Path) -> None:
    (folder / "m.mbox").write_text(MAIL)
    one = MAIL.partition("\n")[2].partition("\nFrom a@b")[0]
    (folder / "m.eml").write_text(one.replace("<1@x>", "<2@x>"))


def _whatsapp(folder: Path) -> None:
    (folder / "WhatsApp Chat with Bob.txt").write_text(
        "[13/01/24, 9:05:01\u202fPM] Ada: one\ntwo\n\u200e[14/01/24, 9:05:02\u202fAM] Bob: <attached: a.jpg>\n"
        "[14/01/24, 9:06:02\u202fAM] Bob: *three*\n"
    )
    (folder / "a.jpg").write_bytes(b"\xff\xd8\xff\xe0 a picture")


def _markdown(folder: Path) -> None:
    (folder / "n.md").write_text(
        "---\ndate: 2024-01-02\ntags: [a, b]\n---\n# T\n[[a|b]] ![[c.png]] %%d%% ^e\n"
    )
    (folder / "c.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "2024-01-05 sea.md").write_text("Rain, and the sea.\n")


def _text(folder: Path) -> None:
    (folder / "diary.txt").write_text(
        "2024-01-05\nRain.\n\nSaturday, 6 January 2024\nSun, naïve.\n"
    )


def _slack(folder: Path) -> None:
    users = [
        {"id": "U1", "name": "ada", "real_name": "Ada", "profile": {"email": "ada@example.org"}},
        {"id": "U2", "name": "bob", "real_name": "Bob", "profile": {}},
    ]
    messages = [
        {
            "type": "message",
            "user": "U1",
            "text": "one <@U2> &amp; <https://x.org|x>",
            "ts": "1704100000.000100",
        },
        {
            "type": "message",
            "user": "U2",
            "text": "two :smile:",
            "ts": "1704100001.000200",
            "thread_ts": "1704100000.000100",
            "reactions": [{"name": "+1", "users": ["U1"], "count": 1}],
        },
        {
            "type": "message",
            "subtype": "channel_join",
            "user": "U2",
            "text": "joined",
            "ts": "1704100002.000200",
        },
    ]
    _dump(folder / "users.json", users)
    _dump(folder / "channels.json", [{"id": "C1", "name": "general", "members": ["U1", "U2"]}])
    _dump(folder / "dms.json", [{"id": "D1", "members": ["U1", "U2"]}])
    _dump(folder / "general" / "2024-01-01.json", messages)
    _dump(folder / "D1" / "2024-01-01.json", messages[:2])


def _discord(folder: Path) -> None:
    _dump(folder / "account" / "user.json", {"id": "1", "username": "ada", "global_name": "Ada"})
    _dump(folder / "messages" / "index.json", {"100": "Direct Message with bob#0"})
    _dump(
        folder / "messages" / "c100" / "channel.json",
        {"id": "100", "type": "DM", "recipients": ["1", "2"]},
    )
    _dump(
        folder / "messages" / "c100" / "messages.json",
        [
            {
                "ID": 1190000000000000001,
                "Timestamp": "2024-01-02 03:04:05",
                "Contents": "one",
                "Attachments": "",
            },
            {
                "ID": 1190000000000000002,
                "Timestamp": "2024-01-02 03:05:05",
                "Contents": "two",
                "Attachments": "",
            },
        ],
    )
    _dump(
        folder / "bob.json",
        {
            "guild": {"id": "0", "name": "Direct Messages"},
            "channel": {"id": "100", "type": "DirectTextChat", "name": "bob"},
            "dateRange": {"after": None, "before": None},
            "exportedAt": "2024-02-02T00:00:00+00:00",
            "messages": [
                {
                    "id": "1190000000000000003",
                    "type": "Default",
                    "timestamp": "2024-01-02T03:06:05.1+00:00",
                    "timestampEdited": None,
                    "content": "three",
                    "author": {
                        "id": "2",
                        "name": "bob",
                        "discriminator": "0000",
                        "nickname": "Bob",
                    },
                    "attachments": [],
                    "mentions": [],
                    "reference": {
                        "messageId": "1190000000000000001",
                        "channelId": "100",
                        "guildId": None,
                    },
                }
            ],
            "messageCount": 1,
        },
    )


def _telegram_chat(number: int) -> dict[str, object]:
    common = {"type": "message", "date": "2024-01-02T03:04:05", "date_unixtime": "1704164645"}
    return {
        "name": "Bob",
        "type": "personal_chat",
        "id": number,
        "messages": [
            common
            | {"id": 1, "from": "Ada", "from_id": "user1", "text": "one", "text_entities": []},
            common
            | {
                "id": 2,
                "from": "Bob",
                "from_id": "user2",
                "reply_to_message_id": 1,
                "text": ["two ", {"type": "bold", "text": "three"}],
            },
            {
                "id": 3,
                "type": "service",
                "date": "2024-01-02T03:04:05",
                "action": "phone_call",
                "text": "",
            },
        ],
    }


def _telegram(folder: Path) -> None:
    _dump(folder / "result.json", _telegram_chat(4))
    account = {"user_id": 1, "first_name": "Ada", "last_name": "", "phone_number": "+44 1"}
    _dump(
        folder / "all" / "result.json",
        {
            "about": "Here is the data you requested.",
            "personal_information": account,
            "chats": {"about": "All.", "list": [_telegram_chat(5)]},
        },
    )


def _google_chat(folder: Path) -> None:
    chat = folder / "Takeout" / "Google Chat"
    ada = {"name": "Ada", "email": "ada@example.org", "user_type": "Human"}
    bob = {"name": "Bob", "email": "bob@example.org", "user_type": "Human"}
    _dump(chat / "Users" / "User 1" / "user_info.json", {"user": ada, "membership_info": []})
    _dump(chat / "Groups" / "DM 1" / "group_info.json", {"members": [ada, bob]})
    when = "Tuesday, January 2, 2024 at 3:04:05 PM UTC"
    _dump(
        chat / "Groups" / "DM 1" / "messages.json",
        {
            "messages": [
                {
                    "creator": ada,
                    "created_date": when,
                    "text": "one",
                    "topic_id": "t",
                    "message_id": "a/t/1",
                },
                {
                    "creator": bob,
                    "created_date": when,
                    "text": "two",
                    "topic_id": "t",
                    "message_id": "a/t/2",
                },
            ]
        },
    )


def _meta_thread(folder: Path) -> None:
    mojibake = "na\u00c3\u00afve \u00f0\u009f\u0098\u0080"
    _dump(
        folder / "messages" / "inbox" / "bob_1" / "message_1.json",
        {
            "participants": [{"name": "Bob"}, {"name": "Ada"}],
            "messages": [
                {
                    "sender_name": "Bob",
                    "timestamp_ms": 1704164645000,
                    "content": mojibake,
                    "type": "Generic",
                },
                {
                    "sender_name": "Ada",
                    "timestamp_ms": 1704164644000,
                    "content": "one",
                    "reactions": [{"reaction": "\u00f0\u009f\u0098\u0080", "actor": "Bob"}],
                },
            ],
            "title": "Bob",
            "is_still_participant": True,
            "thread_path": "inbox/bob_1",
            "magic_words": [],
        },
    )


def _messenger(folder: Path) -> None:
    _meta_thread(folder / "your_activity_across_facebook")


def _instagram(folder: Path) -> None:
    _meta_thread(folder / "your_instagram_activity")
    _dump(
        folder / "your_instagram_activity" / "comments" / "post_comments_1.json",
        [
            {
                "media_list_data": [{"uri": ""}],
                "string_map_data": {
                    "Comment": {"value": "nice"},
                    "Media Owner": {"value": "bob"},
                    "Time": {"timestamp": 1704164645},
                },
            }
        ],
    )


def _sms(folder: Path) -> None:
    (folder / "sms-20240102.xml").write_text(
        "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\n"
        '<smses count="3" backup_set="x" backup_date="1704164645000">\n'
        '  <sms protocol="0" address="+441" date="1704164645000" type="1" subject="null" body="one &#55357;&#56832;"'
        ' read="1" status="-1" date_sent="1704164644000" readable_date="x" contact_name="Bob" />\n'
        '  <sms protocol="0" address="+441" date="1704164646000" type="2" body="two" contact_name="Bob" />\n'
        '  <mms date="1704164647000" msg_box="1" address="+441" m_type="132" contact_name="Bob" m_id="z">'
        '<parts><part seq="0" ct="text/plain" name="null" text="three" /></parts>'
        '<addrs><addr address="+441" type="137" charset="106" /></addrs></mms>\n'
        "</smses>\n"
    )


def _imessage(folder: Path) -> None:
    database = sqlite3.connect(folder / "chat.db")
    database.executescript(
        """
        CREATE TABLE handle (ROWID INTEGER PRIMARY KEY, id TEXT, country TEXT, service TEXT);
        CREATE TABLE chat (ROWID INTEGER PRIMARY KEY, guid TEXT, style INTEGER, chat_identifier TEXT,
            service_name TEXT, display_name TEXT);
        CREATE TABLE message (ROWID INTEGER PRIMARY KEY, guid TEXT, text TEXT, handle_id INTEGER,
            subject TEXT, attributedBody BLOB, service TEXT, date INTEGER, is_from_me INTEGER,
            item_type INTEGER DEFAULT 0, associated_message_guid TEXT, associated_message_type INTEGER DEFAULT 0,
            cache_has_attachments INTEGER DEFAULT 0, thread_originator_guid TEXT);
        CREATE TABLE chat_message_join (chat_id INTEGER, message_id INTEGER, message_date INTEGER);
        CREATE TABLE chat_handle_join (chat_id INTEGER, handle_id INTEGER);
        CREATE TABLE attachment (ROWID INTEGER PRIMARY KEY, guid TEXT, filename TEXT, mime_type TEXT,
            transfer_name TEXT, total_bytes INTEGER);
        CREATE TABLE message_attachment_join (message_id INTEGER, attachment_id INTEGER);
        INSERT INTO handle VALUES (1, '+441', 'gb', 'iMessage');
        INSERT INTO chat VALUES (1, 'iMessage;-;+441', 45, '+441', 'iMessage', '');
        INSERT INTO message (ROWID, guid, text, handle_id, service, date, is_from_me)
            VALUES (1, 'G1', 'one', 1, 'iMessage', 725857445000000000, 0),
                   (2, 'G2', 'two', 0, 'SMS', 725857446000000000, 1);
        INSERT INTO chat_message_join VALUES (1, 1, 0), (1, 2, 0);
        INSERT INTO chat_handle_join VALUES (1, 1);
        """
    )
    database.commit()
    database.close()


def _signal(folder: Path) -> None:
    (folder / "main.jsonl").write_text(
        "\n".join(
            json.dumps(one)
            for one in (
                {"version": "1", "backupTimeMs": "1704164645000", "mediaRootBackupKey": "AA=="},
                {"account": {"profileKey": "AA==", "givenName": "Ada", "username": "ada.1"}},
                {"recipient": {"id": "1", "self": {}}},
                {
                    "recipient": {
                        "id": "2",
                        "contact": {"aci": "AA==", "e164": "441", "profileGivenName": "Bob"},
                    }
                },
                {"chat": {"id": "3", "recipientId": "2"}},
                {
                    "chatItem": {
                        "chatId": "3",
                        "authorId": "1",
                        "dateSent": "1704164645000",
                        "outgoing": {"sendStatus": []},
                        "standardMessage": {"text": {"body": "one"}},
                    }
                },
                {
                    "chatItem": {
                        "chatId": "3",
                        "authorId": "2",
                        "dateSent": "1704164646000",
                        "incoming": {"dateReceived": "1704164647000"},
                        "standardMessage": {"text": {"body": "two"}},
                    }
                },
            )
        )
    )


def _zip(path: Path, members: dict[str, str]) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    path.write_bytes(buffer.getvalue())


def _documents(folder: Path) -> None:
    word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    types = (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Override PartName="/word/document.xml" ContentType="application/'
        'vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
    )
    body = (
        "<w:body><w:p><w:r><w:t>One</w:t></w:r></w:p><w:p><w:r><w:t>Two</w:t></w:r></w:p></w:body>"
    )
    relations = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="r" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
        'relationships/officeDocument" Target="word/document.xml"/></Relationships>'
    )
    _zip(
        folder / "letter.docx",
        {
            "[Content_Types].xml": types,
            "_rels/.rels": relations,
            "word/document.xml": f'<w:document xmlns:w="{word}">{body}</w:document>',
        },
    )
    office = "urn:oasis:names:tc:opendocument:xmlns:"
    _zip(
        folder / "letter.odt",
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": f'<o:document-content xmlns:o="{office}office:1.0" xmlns:t="{office}text:1.0">'
            "<o:body><o:text><t:h>One</t:h><t:p>Two <t:span>three</t:span></t:p></o:text></o:body>"
            "</o:document-content>",
        },
    )
    (folder / "old.rtf").write_text(r"{\rtf1\ansi\ansicpg1252 One\par na\'efve \u9731?\par}")
    (folder / "page.html").write_text(
        "<!doctype html><html lang=en><head><title>T</title></head><body><h1>One</h1><p>Two</p></body></html>"
    )


def _pdf(folder: Path) -> None:
    content = b"BT /F1 24 Tf 72 700 Td (One and two) Tj ET"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, one in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    start = len(out)
    out += b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % at for at in places)
    out += b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % start
    (folder / "paper.pdf").write_bytes(out)


_NOTION_ID = "0123456789abcdef0123456789abcdef"


def _notion(folder: Path) -> None:
    _zip(
        folder / "Export-1-Part-1.zip",
        {
            f"Home {_NOTION_ID}.md": f"# Home\n\nCreated: January 2, 2024 3:04 PM\n\n[Sub](Home/Sub%20{_NOTION_ID[::-1]}.md)\n",
            f"Home/Sub {_NOTION_ID[::-1]}.md": "# Sub\n\nOne.\n",
            f"Home/List {'ab' * 16}.csv": "Name,Tags\none,a\n",
        },
    )


def _keep(folder: Path) -> None:
    _dump(
        folder / "Takeout" / "Keep" / "List.json",
        {
            "color": "DEFAULT",
            "isTrashed": False,
            "isPinned": False,
            "isArchived": False,
            "title": "List",
            "listContent": [
                {"text": "one", "isChecked": True},
                {"text": "two", "isChecked": False},
            ],
            "labels": [{"name": "home"}],
            "userEditedTimestampUsec": 1704164645000000,
            "createdTimestampUsec": 1704164644000000,
        },
    )
    _dump(
        folder / "Takeout" / "Keep" / "Note.json",
        {
            "color": "RED",
            "isTrashed": False,
            "isPinned": True,
            "isArchived": False,
            "title": "",
            "textContent": "three",
            "userEditedTimestampUsec": 1704164646000000,
            "createdTimestampUsec": 1704164646000000,
        },
    )


def _jupyter(folder: Path) -> None:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# One\n", "two"]},
        {
            "cell_type": "code",
            "metadata": {},
            "source": "print(1)",
            "outputs": [],
            "execution_count": 1,
        },
    ]
    _dump(folder / "a.ipynb", {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def _table(folder: Path) -> None:
    (folder / "chat.csv").write_text(
        'Datum;Von;An;Nachricht\n05.01.2024 21:30;Ada;Bob;one\n05.01.2024 21:31;Bob;Ada;"two\nthree"\n'
    )
    (folder / "chat.mapping.toml").write_text(
        'type = "message.chat.direct"\ntext = "Nachricht"\n'
        'time = { column = "Datum", format = "%d.%m.%Y %H:%M", zone = "Europe/Berlin" }\n'
        'author = "Von"\nto = "An"\nowner = "Ada"\n'
    )


SAMPLES: dict[str, Callable[[Path], None]] = {
    "mbox": _mbox,
    "whatsapp": _whatsapp,
    "markdown": _markdown,
    "text": _text,
    "slack": _slack,
    "discord": _discord,
    "telegram": _telegram,
    "google-chat": _google_chat,
    "messenger": _messenger,
    "instagram": _instagram,
    "sms": _sms,
    "imessage": _imessage,
    "signal": _signal,
    "documents": _documents,
    "pdf": _pdf,
    "notion": _notion,
    "keep": _keep,
    "jupyter": _jupyter,
    "table": _table,
}
