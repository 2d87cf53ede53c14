import base64
import hashlib
import plistlib
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vault.collectors.readers.archives import grow
from vault.collectors.readers.mail.threads import Threads
from vault.collectors.sources.mbox import SOURCE
from vault.items import Agent, Attachment, Bad, Content, Item, Precision, Reached

ME = frozenset({"ada@example.org"})


def read(path: Path, cursor: bytes | None = None, only: Path | None = None) -> list:
    """Return the records of a path, or of one file in it, without those of progress."""
    tree = grow(path)
    if only:
        name = f"{path.name}/{only.relative_to(path).as_posix()}"
        tree = tree.sub([file for file in tree.files if file.path == name])
    kinds = Item | Bad | Content | Reached
    return [one for one in SOURCE.read(tree, cursor, ME) if isinstance(one, kinds)]


def items(records: list) -> list[Item]:
    return [one for one in records if isinstance(one, Item)]


def reasons(records: list) -> dict[str, str]:
    return {one.locator: one.reason for one in records if isinstance(one, Bad)}


THREE = b"""From ada@example.org Mon Jan  2 15:04:05 2012
From: Ada Lovelace <ada@example.org>
To: "Babbage, Charles" <Charles@Example.org>
Cc: mary@example.org
Subject: =?utf-8?q?The_caf=C3=A9?=
Date: Mon, 2 Jan 2012 16:04:05 +0100
Message-ID: <one@example.org>
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Shall we meet at the caf\xc3\xa9?
>From now on it is open late.

From the start it was good.

From charles@example.org Mon Jan  2 17:00:00 2012
From: Charles <charles@example.org>
To: ada@example.org
Subject: Re: The cafe
Date: Mon, 02 Jan 2012 17:00:00 -0000
Message-Id: <two@example.org>
In-Reply-To: <one@example.org>
References: <one@example.org>

Gladly.

On Mon, Jan 2, 2012 at 4:04 PM, Ada Lovelace <ada@example.org> wrote:
> Shall we meet at the cafe?

--\x20
Charles

From ada@example.org Tue Jan  3 09:00:00 2012
From: ADA@example.org
To: charles@example.org
Date: Tue, 3 Jan 2012 09:00:00 +0000
Message-ID: <three@example.org>
In-Reply-To: <two@example.org>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b"

--b
Content-Type: text/html; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

<html><head><title>no</title><style>p {}</style></head><body><p>See you th=E8re,<br>at <b>noon</b>.</p>
<blockquote>Gladly.</blockquote></body></html>
--b
Content-Type: application/pdf; name="plan.pdf"
Content-Disposition: attachment; filename="plan.pdf"
Content-Transfer-Encoding: base64

aGVsbG8=
--b--

"""


def test_three_messages_are_three_exact_items(tmp_path, gather):
    path = tmp_path / "All mail.mbox"
    path.write_bytes(THREE)
    gathered = gather(path, ["Ada@Example.org"])
    assert not gathered.bad
    assert [found.source for found in gathered.found] == ["mbox"]
    one, two, three = gathered.items

    assert one.type == "message.email.sent"
    assert one.native_id == one.conversation == "one@example.org"
    assert one.author == Agent(id="mailto:ada@example.org", name="Ada Lovelace")
    assert one.to == (
        Agent(id="mailto:charles@example.org", name="Babbage, Charles"),
        Agent(id="mailto:mary@example.org"),
    )
    assert one.title == "The café"
    assert one.at == datetime(2012, 1, 2, 15, 4, 5, tzinfo=UTC)
    assert (one.offset, one.precision, one.assumed) == (60, Precision.SECOND, False)
    assert one.text == (
        "Shall we meet at the café?\nFrom now on it is open late.\n\nFrom the start it was good."
    )
    assert one.text_new is None
    assert one.locator == "All mail.mbox#0"

    assert two.type == "message.email.received"
    assert two.conversation == two.reply_to == "one@example.org"
    assert two.own_text == "Gladly."
    assert "Shall we meet" in two.text
    assert (two.offset, two.assumed) == (None, True)
    assert THREE[int(two.locator.rpartition("#")[2]) :].startswith(b"From charles@example.org")

    assert three.type == "message.email.sent"
    assert three.conversation == "one@example.org", "by way of the message it answers"
    assert three.text == "See you thère,\nat noon.\nGladly."
    assert three.own_text == "See you thère,\nat noon."
    digest = hashlib.sha256(b"hello").hexdigest()
    assert three.attachments == (
        Attachment(name="plan.pdf", media_type="application/pdf", size=5, sha256=digest),
    )


def test_a_name_alone_does_not_make_a_mail_the_owners(tmp_path, gather):
    path = tmp_path / "a.mbox"
    path.write_bytes(
        b"From x@evil.example Mon Jan  2 15:04:05 2012\nFrom: Ada Lovelace <x@evil.example>\n"
        b"Message-ID: <1@x>\n\nBuy this.\n"
    )
    (item,) = gather(path, ["Ada Lovelace", "ada@example.org"]).items
    assert item.type == "message.email.received"


def test_unknown_owner_makes_every_mail_received(tmp_path, gather):
    path = tmp_path / "a.mbox"
    path.write_bytes(THREE)
    assert {item.type for item in gather(path).items} == {"message.email.received"}


def test_a_message_without_an_id_is_known_by_its_content(tmp_path, gather):
    content = b"From: a@b.example\nTo: c@d.example\nSubject: x\n\nhello\n"
    path = tmp_path / "x.eml"
    path.write_bytes(content)
    (item,) = gather(path).items
    assert item.native_id == item.conversation == "sha256:" + hashlib.sha256(content).hexdigest()
    assert item.at is None


def test_a_single_message_is_recognised_whatever_its_suffix(tmp_path, gather):
    path = tmp_path / "saved.txt"
    path.write_bytes(
        b"Return-Path: <a@b.example>\r\nFrom: a@b.example\r\nSubject: x\r\n\r\nhello\r\nyou\r\n"
    )
    (item,) = gather(path).items
    assert (item.source, item.text) == ("mbox", "hello\nyou")


def test_dates_that_make_no_sense_fall_back_to_the_envelope(tmp_path, gather):
    dates = [b"Thu, 32 Foo 2012 99:99:99 +9999", b"", b"2012", b"Mon, 2 Jan 12 15:04 EST"]
    path = tmp_path / "a.mbox"
    path.write_bytes(
        b"".join(
            b"From a@b.example Mon Jan  2 15:04:05 2012\nFrom: a@b.example\nDate: %b\n\nx\n\n"
            % date
            for date in dates
        )
    )
    items = gather(path).items
    assert [item.assumed for item in items] == [True, True, True, False]
    assert {item.at for item in items[:3]} == {datetime(2012, 1, 2, 15, 4, 5, tzinfo=UTC)}
    assert (items[3].at, items[3].offset) == (datetime(2012, 1, 2, 20, 4, tzinfo=UTC), -300)


def test_what_is_no_message_is_bad_and_the_rest_is_read(tmp_path, gather):
    path = tmp_path / "a.mbox"
    good = (
        b"From a@b.example Mon Jan  2 15:04:05 2012\nFrom: a@b.example\nMessage-ID: <%d@x>\n\nx\n\n"
    )
    empty = b"From a@b.example Mon Jan  2 15:04:05 2012\n\n"
    path.write_bytes(good % 1 + empty + good % 2)
    gathered = gather(path)
    assert [item.native_id for item in gathered.items] == ["1@x", "2@x"]
    assert list(gathered.reasons) == [f"a.mbox#{len(good % 1)}"]


def test_an_unknown_charset_does_not_lose_the_text(tmp_path, gather):
    path = tmp_path / "a.eml"
    path.write_bytes(
        b"From: a@b.example\nTo: c@d.example\nContent-Type: text/plain; charset=no-such\n\ncaf\xc3\xa9\n"
    )
    assert gather(path).texts == ["café"]


def test_two_million_quoted_lines_cost_no_more_than_their_length(tmp_path, gather):
    path = tmp_path / "a.eml"
    lines = b"On Mon wrote:\n> x\n" * 200_000
    path.write_bytes(b"From: a@b.example\nTo: c@d.example\nSubject: x\n\nhi\n" + lines)
    (item,) = gather(path).items
    assert item.own_text == "hi"


# --- attachments ---


def test_the_bytes_of_attachments_follow_their_item_inline_ones_and_mails_too(tmp_path):
    inner = b"From: q@r.example\nSubject: inner\n\nFrom here on\n"
    path = tmp_path / "a.eml"
    path.write_bytes(
        b"From: a@b.example\nTo: c@d.example\nContent-Type: multipart/mixed; boundary=b\n\n"
        b"--b\nContent-Type: text/plain\n\nlook\n"
        b"--b\nContent-Type: message/rfc822\n\n" + inner + b"\n"
        b"--b\nContent-Type: image/png\nContent-Disposition: inline\nContent-ID: <i>\n"
        b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(bytes(2_500_000)) + b"--b--\n"
    )
    item, *contents = read(path)
    assert item.text == "look"
    assert [(one.media_type, one.size) for one in item.attachments] == [
        ("message/rfc822", len(inner)),
        ("image/png", 2_500_000),
    ]
    mail, picture = (one.sha256 for one in item.attachments)
    assert [(one.sha256, one.part, one.parts, len(one.data)) for one in contents] == [
        (mail, 0, 1, len(inner)),
        (picture, 0, 3, 1 << 20),
        (picture, 1, 3, 1 << 20),
        (picture, 2, 3, 2_500_000 - (2 << 20)),
    ]
    assert contents[0].data == inner


def test_a_mail_within_a_mail_keeps_its_words_to_itself_however_it_is_read(tmp_path):
    path = tmp_path / "a.eml"
    path.write_bytes(
        b"From: a@b.example\nTo: c@d.example\nContent-Type: multipart/mixed; boundary=b\n\n"
        b"--b\nContent-Type: text/plain; charset=no-such\n\ncaf\xc3\xa9\n"
        b"--b\nContent-Type: message/rfc822\n\nFrom: q@r.example\n\nFrom here on\n--b--\n"
    )
    (item, content) = read(path)
    assert item.text == "café"
    assert [one.media_type for one in item.attachments] == ["message/rfc822"]
    assert content.data.endswith(b"\n\nFrom here on")


# --- Gmail ---

GMAIL = """From 1828754568043628583@xxx Mon Apr 07 14:31:02 +0000 2025
X-GM-THRID: 1828754568043628500
X-Gmail-Labels: =?UTF-8?Q?Posteingang,Wichtig,Ungelesen,Reisen/S=C3=BCden,?=
 =?UTF-8?Q?"Kultur,_Vereine"?=
Message-ID: <a@x>
From: bob@example.com

one

From 1828754568043628584@xxx Mon Apr 07 14:32:02 +0000 2025
X-GM-THRID: 1828754568043628500
X-Gmail-Labels: Gesendet
Message-ID: <b@x>
References: <elsewhere@x>
From: ada@example.org

two

From 1828754568043628585@xxx Mon Apr 07 14:33:02 +0000 2025
X-GM-THRID: 77
X-Gmail-Labels: Chat
From: Bob <bob@example.com>
MIME-Version: 1.0
Content-Type: text/plain

ok

From 1828754568043628586@xxx Mon Apr 07 14:34:02 +0000 2025
X-GM-THRID: 77
X-Gmail-Labels: Chat
From: Bob <bob@example.com>
MIME-Version: 1.0
Content-Type: text/plain

ok
"""


def test_gmail_says_labels_threads_and_times_of_its_mail(tmp_path):
    path = tmp_path / "Alle E-Mails.mbox"
    path.write_bytes(GMAIL.encode())
    one, two, *_ = items(read(path))
    assert one.tags == ("Posteingang", "Wichtig", "Reisen/Süden", "Kultur, Vereine")
    assert (two.tags, two.type) == (("Gesendet",), "message.email.sent")
    assert one.conversation == two.conversation == "gmail:1828754568043628500"
    assert (one.at, one.assumed) == (datetime(2025, 4, 7, 14, 31, 2, tzinfo=UTC), True)


def test_chats_that_gmail_keeps_as_mail_are_chats_and_each_has_its_own_id(tmp_path):
    path = tmp_path / "a.mbox"
    path.write_bytes(GMAIL.encode())
    three, four = items(read(path))[2:]
    assert three.type == four.type == "message.chat.direct.received"
    assert (three.text, three.conversation) == ("ok", "gmail:77")
    assert (three.native_id, four.native_id) == (
        "gmail:1828754568043628585",
        "gmail:1828754568043628586",
    )


def test_the_lines_of_an_old_chat_belong_to_who_said_them(tmp_path):
    path = tmp_path / "a.mbox"
    path.write_bytes(
        b"From 1828754568043628585@xxx Mon Apr 07 14:33:02 +0000 2025\n"
        b"X-GM-THRID: 77\nX-Gmail-Labels: Chat\nSubject: Chat with Bob\n"
        b"Message-ID: <c@x>\nFrom: Bob <bob@example.com>\n"
        b"Content-Type: multipart/alternative; boundary=b\n\n--b\n"
        b"Content-Type: text/xml; charset=utf-8\n\n"
        b'<con:conversation xmlns:con="google:archive:conversation">'
        b'<cli:message to="ada@example.org" from="bob@example.com/Talk12" xmlns:cli="jabber:client">'
        b'<cli:body>hi</cli:body><x stamp="x" xmlns="jabber:x:delay"/>'
        b'<time ms="1357519049615" xmlns="google:timestamp"/></cli:message>'
        b'<cli:message to="bob@example.com" from="ada@example.org" xmlns:cli="jabber:client">'
        b"<cli:body>hello &amp; bye</cli:body></cli:message></con:conversation>\n--b--\n"
    )
    hers, his = items(read(path))[::-1]
    assert (his.native_id, his.type) == ("c@x/0", "message.chat.direct.received")
    assert (his.author, his.text) == (Agent(id="mailto:bob@example.com"), "hi")
    assert his.at == datetime(2013, 1, 7, 0, 37, 29, 615000, tzinfo=UTC)
    assert (hers.type, hers.text) == ("message.chat.direct.sent", "hello & bye")
    assert (hers.at, hers.assumed) == (datetime(2025, 4, 7, 14, 33, 2, tzinfo=UTC), True)
    assert hers.conversation == his.conversation == "gmail:77"


# --- messages in files of their own ---


def test_a_maildir_says_folders_and_flags(tmp_path):
    box = tmp_path / "Mail"
    content = b"From: a@b.example\nSubject: x\n\n%d\n"
    names = {
        "Sent/cur/1325516645.M1P2.host:2,FS": ("Sent", "Flagged"),
        "Entw&APw-rfe.2012/cur/1325516646.M1P2.host;2,D": ("Entwürfe.2012", "Draft"),
        "Sent/new/1325516647.M1P2.host": ("Sent",),
        "Sent/tmp/1325516648.M1P2.host": None,
    }
    for number, name in enumerate(names):
        (box / name).parent.mkdir(parents=True, exist_ok=True)
        (box / name).write_bytes(content % number)
    records = read(box)
    found = {item.locator: item.tags for item in items(records)}
    assert found == {f"Mail/{name}#0": tags for name, tags in names.items() if tags}
    assert reasons(records) == {
        "Mail/Sent/tmp/1325516648.M1P2.host#0": "its delivery was never finished (it lies in `tmp`)"
    }
    for file in grow(box).files:
        assert SOURCE.detect(grow(box).sub([file])) >= 0.9


@pytest.mark.parametrize("packed", [False, True])
def test_the_folders_of_a_maildir_that_begin_with_a_dot_are_read(tmp_path, packed):
    box = tmp_path / "home" / "Maildir"
    names = {
        "cur/1325516645.M1P2.host:2,S": ("Maildir",),
        ".Sent/cur/1325516646.M1P2.host:2,S": ("Sent",),
        ".Lists.rowing/new/1325516647.M1P2.host": ("Lists/rowing",),
        ".notes/1325516648.M1P2.host:2,S": None,
    }
    for number, name in enumerate(names):
        (box / name).parent.mkdir(parents=True, exist_ok=True)
        (box / name).write_bytes(b"From: a@b.example\nSubject: x\n\n%d\n" % number)
    place = Path(shutil.make_archive(str(tmp_path / "mail"), "zip", box.parent)) if packed else box
    found = {item.locator.removesuffix("#0"): item.tags for item in items(read(place))}
    top = "mail.zip!Maildir" if packed else "Maildir"
    assert found == {f"{top}/{name}": tags for name, tags in names.items() if tags}


def emlx(message: bytes, **facts: object) -> bytes:
    return b"%-10d\n" % len(message) + message + plistlib.dumps(facts)


def test_apple_mail_says_how_long_a_message_is_and_where_it_is_filed(tmp_path):
    folder = tmp_path / "Mail" / "Archive.mbox" / "Messages"
    folder.mkdir(parents=True)
    message = b"From: a@b.example\nSubject: x\nMessage-ID: <1@x>\n\nhello\n"
    path = folder / "12.emlx"
    path.write_bytes(emlx(message, flags=0b10001, **{"date-received": 1325516645}))
    (item,) = read(tmp_path / "Mail")
    assert (item.text, item.native_id, item.tags) == ("hello", "1@x", ("Archive", "Flagged"))
    assert (item.at, item.assumed) == (datetime(2012, 1, 2, 15, 4, 5, tzinfo=UTC), True)
    assert SOURCE.detect(grow(path)) >= 0.9
    path.write_bytes(message)
    assert list(reasons(read(path)).values()) == ["the number of bytes of the message is missing"]
    path.write_bytes(b"999999\n" + message)
    assert items(read(path))[0].text == "hello", "as far as it goes"


def test_attachments_that_apple_mail_took_out_are_put_back(tmp_path):
    home = tmp_path / "Mail" / "Data"
    (home / "Messages").mkdir(parents=True)
    for number in (1, 12):
        beside = home / "Attachments" / str(number) / "2"
        beside.mkdir(parents=True)
        (beside / "plan.pdf").write_bytes(b"of %d" % number)
    (home / "Attachments" / "1" / "2" / "gone.pdf").write_bytes(b"of another")
    message = (
        b"From: a@b.example\nTo: c@d.example\nContent-Type: multipart/mixed; boundary=b\n\n"
        b"--b\nContent-Type: text/plain\n\nhello\n"
        b"--b\nContent-Type: application/pdf; name=plan.pdf\nX-Apple-Content-Length: 5\n"
        b"Content-Disposition: attachment; filename=plan.pdf\n\n\n"
        b"--b\nContent-Disposition: attachment; filename=gone.pdf\n\n\n--b--\n"
    )
    path = home / "Messages" / "12.partial.emlx"
    path.write_bytes(emlx(message))
    item, content = read(tmp_path / "Mail", only=path)
    assert [one.name for one in item.attachments] == ["plan.pdf"]
    assert content.data == b"of 12"


# --- what is cut off, odd or asks for memory ---


def test_a_mailbox_cut_off_anywhere_loses_only_its_last_message(tmp_path):
    path = tmp_path / "a.mbox"
    path.write_bytes(THREE)
    whole = items(read(path))
    starts = [int(item.locator.rpartition("#")[2]) for item in whole]
    for length in range(1, len(THREE), 7):
        path.write_bytes(THREE[:length])
        records = read(path)
        # From the first letters alone nobody can tell an envelope from a sentence.
        complete = max(sum(start + 24 < length for start in starts) - 1, 0)
        assert items(records)[:complete] == whole[:complete]
        assert len(items(records)) + len(reasons(records)) in {complete + 1, complete + 2}


def test_a_message_cut_off_in_its_header_is_bad(tmp_path):
    path = tmp_path / "a.mbox"
    good = (
        b"From a@b.example Mon Jan  2 15:04:05 2012\nFrom: a@b.example\nMessage-ID: <1@x>\n\nx\n\n"
    )
    path.write_bytes(good + good[: good.index(b"e-ID")])
    records = read(path)
    assert [item.text for item in items(records)] == ["x"]
    assert reasons(records) == {f"a.mbox#{len(good)}": "it is cut off in its header"}
    path.write_bytes(good + good[:20])
    assert reasons(read(path)) == {
        f"a.mbox#{len(good)}": "there is neither a header nor text in it"
    }


@pytest.mark.parametrize(
    ("date", "at", "offset"),
    [
        ("Wed, 5 Mar 2014 10:11:12 +0100", "09:11:12", 60),
        ("Wed, 05 Mar 2014 10:11:12 +01:00", "09:11:12", 60),
        ("Wed, 5 Mar 114 10:11:12 +0100", "09:11:12", 60),
        ("Wed, 05 Mar 14 10:11:12 +0100 (MEZ)", "09:11:12", 60),
        ("Wed Mar  5 10:11:12 CEST 2014", "08:11:12", 120),
        ("2014-03-05 10:11:12 +0100", "09:11:12", 60),
        ("2014-03-05T10:11:12Z", "10:11:12", 0),
        ("Wed, 05 Mar 2014 10:11:12 XYZ", "10:11:12", None),
        ("Wed, 05 Mar 2014 10:11:12", "10:11:12", None),
        ("Wed, 05 Mar 2014 10:11:12 -0000", "10:11:12", None),
    ],
)
def test_dates_that_programs_wrote_in_their_own_ways(tmp_path, date, at, offset):
    path = tmp_path / "a.eml"
    path.write_text(f"From: a@b.example\nTo: c@d.example\nDate: {date}\n\nx\n")
    (item,) = read(path)
    assert item.at.isoformat() == f"2014-03-05T{at}+00:00"
    assert (item.offset, item.assumed) == (offset, offset is None)


def test_where_the_date_is_none_the_last_server_on_the_way_knows_the_time(tmp_path):
    path = tmp_path / "a.eml"
    path.write_text(
        "Received: by mx.example.org with SMTP id 1;\n\tWed, 5 Mar 2014 10:11:12 +0100\n"
        "Received: by first.example.org; Wed, 5 Mar 2014 01:00:00 +0100\n"
        "From: a@b.example\nDate: Mi, 05 Mär 2014 10:11:10\n\nx\n"
    )
    (item,) = read(path)
    assert (item.at, item.assumed) == (datetime(2014, 3, 5, 9, 11, 12, tzinfo=UTC), True)


# --- reading on ---


def test_a_mailbox_that_grew_is_read_on_from_its_last_message(tmp_path):
    path = tmp_path / "a.mbox"
    second = THREE.index(b"From charles@example.org Mon")
    third = THREE.index(b"From ada@example.org Tue")
    path.write_bytes(THREE[:third])
    reached = read(path)[-1]
    assert isinstance(reached, Reached)
    assert reached.file == "a.mbox"
    path.write_bytes(THREE)
    whole = read(path)
    assert read(path, reached.cursor) == whole[1:]
    assert items(whole)[1].locator == f"a.mbox#{second}"


def test_a_cursor_of_something_else_reads_everything(tmp_path):
    path = tmp_path / "a.mbox"
    path.write_bytes(THREE)
    for cursor in (b"", b"412", b"\xc1", b"\x92\xff\x90"):
        assert read(path, cursor) == read(path)


LETTER = (
    "From a@b.example Mon Jan  2 15:04:05 2012\nFrom: a@b.example\nMessage-ID: <{0}@x>\n{1}\nx\n\n"
)
ANSWERED = st.one_of(
    st.just(""),
    st.integers(0, 9).map("In-Reply-To: <{}@x>\n".format),
    st.integers(0, 9).map("References: <{0}@x>\nIn-Reply-To: <{0}@x>\n".format),
    st.integers(0, 3).map("X-GM-THRID: {}\n".format),
    st.just("\n\nFrom a@b.example Mon Jan  2 15:04:05 2012\n\n"),
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)
@given(
    letters=st.lists(st.tuples(st.integers(0, 9), ANSWERED), min_size=1, max_size=12),
    cut=st.integers(0, 2000),
)
def test_reading_on_gives_exactly_what_reading_the_whole_gives_there(tmp_path, letters, cut):
    path = tmp_path / "a.mbox"
    data = "".join(LETTER.format(*letter) for letter in letters).encode()
    path.write_bytes(data[: 70 + cut % len(data)])
    cursor = read(path)[-1].cursor
    path.write_bytes(data)
    again = read(path, cursor)
    whole = read(path)
    assert again == whole[-len(again) :]
    assert len(again) > 1, "the last message is read again"


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=40), st.integers(20, 200))
def test_what_is_remembered_of_threads_is_bounded_and_goes_on_as_it_was(replies, most):
    whole = Threads([], most=most)
    for number, (reply, answered) in enumerate(replies):
        whole.advance()
        again = Threads(whole.known, most=most)
        assert again.known == whole.known
        size = sum(len(one) + len(other) + 10 for one, other in whole.known)
        assert size <= most
        names = (f"{reply}-{number % 3}", f"{answered}-0", "")
        before = whole.known
        assert again.conversation(*names) == whole.conversation(*names)
        assert whole.known == before, "the present message is not yet remembered"
