import hashlib
from datetime import UTC, datetime

from vault.items import Agent, Attachment, Precision

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


def test_a_cursor_reads_on_from_an_offset(tmp_path, gather):
    path = tmp_path / "a.mbox"
    path.write_bytes(THREE)
    offset = THREE.index(b"From charles@example.org Mon")
    whole = gather(path).items
    assert gather(path, cursor=str(offset).encode()).items[0] == whole[1]


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
