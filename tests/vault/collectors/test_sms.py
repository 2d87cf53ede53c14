import base64
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from vault.collectors.readers.archives import grow
from vault.collectors.sources import sms
from vault.collectors.sources.sms import SOURCE
from vault.items import Agent, Bad, Content, Item, Progress

PICTURE = b"\xff\xd8 a picture"
BACKUP = f"""<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>
<!--File Created By SMS Backup & Restore v10.20.002 on 20/09/2023 18:00:00-->
<?xml-stylesheet type="text/xsl" href="sms.xsl"?>
<smses count="7" backup_set="abc" backup_date="1700000000000" type="full">
  <sms protocol="0" address="+44 7700 900123" date="1700000000123" type="1" subject="null" body="Are you awake &#55357;&#56832;? a &gt; b, /> 'fine'" read="1" readable_date="14 Nov 2023 22:13:20" contact_name="Charles Babbage" />
  <sms protocol="0" address="+447700900123" date="1700000060000" type="2" body='Always &quot;awake&quot;&#10;and you?' contact_name="Charles Babbage" />
  <sms protocol="0" address="BANK" date="1700000070000" type="1" body="Your code" contact_name="(Unknown)" />
  <sms protocol="0" address="null" date="1700000080000" type="3" body="not yet" contact_name="null" />
  <mms date="1700000180000" msg_box="1" address="+447700900123~+447700900456" m_type="132" contact_name="Charles Babbage, Grace" sub="null">
    <parts>
      <part seq="-1" ct="application/smil" name="null" text="null" data="PHNtaWw+" />
      <part seq="0" ct="image/jpeg" name="null" cl="pic.jpg" text="null" data="{base64.b64encode(PICTURE).decode()}" />
      <part seq="0" ct="text/plain" name="null" text="see &lt;picture&gt;" />
    </parts>
    <addrs>
      <addr address="+447700900456" type="137" charset="106" />
      <addr address="+447700900999" type="151" charset="106" />
      <addr address="+447700900123" type="151" charset="106" />
    </addrs>
  </mms>
  <mms date="1700000190" msg_box="2" address="+447700900123" m_type="128">
    <parts><part seq="0" ct="text/plain" text="thanks" /></parts>
    <addrs>
      <addr address="insert-address-token" type="137" charset="106" />
      <addr address="+447700900123" type="151" charset="106" />
    </addrs>
  </mms>
  <mms date="1700000200000" msg_box="1" address="+447700900123" m_type="130"><parts /><addrs /></mms>
</smses>
"""
ME = frozenset({"447700900999"})
CHARLES = Agent(id="tel:+447700900123", name="Charles Babbage")
GRACE = Agent(id="tel:+447700900456", name="Grace")


def read(tmp_path, text, name="sms-20231114.xml", me=ME):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return [r for r in SOURCE.read(grow(path), None, me) if not isinstance(r, Progress)]


def items(records):
    return [record for record in records if isinstance(record, Item)]


def test_a_backup_is_exactly_these_messages(tmp_path):
    found = [
        (item.type, item.author and item.author.id, item.conversation, item.text, item.tags)
        for item in items(read(tmp_path, BACKUP))
    ]
    received, sent = "message.sms.received", "message.sms.sent"
    both = "447700900123~447700900456"
    assert found == [
        (received, CHARLES.id, "447700900123", "Are you awake 😀? a > b, /> 'fine'", ()),
        (sent, None, "447700900123", 'Always "awake"\nand you?', ()),
        (received, "name:BANK", "bank", "Your code", ()),
        (sent, None, "unknown", "not yet", ("draft",)),
        (received, GRACE.id, both, "see <picture>", ()),
        (sent, None, "447700900123", "thanks", ()),
    ]


def test_times_people_and_files_of_messages(tmp_path):
    records = read(tmp_path, BACKUP)
    first, second, *_ = items(records)
    assert first.at == datetime(2023, 11, 14, 22, 13, 20, 123000, tzinfo=UTC)
    assert (first.author, first.to, second.to) == (CHARLES, (), (CHARLES,))
    picture = items(records)[4]
    digest = sha256(PICTURE).hexdigest()
    assert picture.to == (CHARLES,)
    assert [(one.name, one.media_type, one.sha256) for one in picture.attachments] == [
        ("pic.jpg", "image/jpeg", digest)
    ]
    assert records[5] == Content(sha256=digest, part=0, parts=1, data=PICTURE)
    assert items(records)[5].at == datetime(2023, 11, 14, 22, 16, 30, tzinfo=UTC), "seconds"


def test_ids_stay_in_a_later_backup_in_another_order(tmp_path):
    before = {item.native_id for item in items(read(tmp_path, BACKUP))}
    head, *messages = BACKUP.replace("</smses>", "").split("  <sms ")
    later = head + "  <sms ".join(["", *reversed(messages)]) + "</smses>"
    assert {item.native_id for item in items(read(tmp_path, later))} == before
    assert len(before) == 6
    assert read(tmp_path, BACKUP) == read(tmp_path, BACKUP)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ('<sms address="1" date="x" type="1" body="a" />', "it has no time"),
        ('<sms address="1" date="99999999999999999" type="1" body="a" />', "it has no time"),
        ('<sms address="1" date="1" body="a" />', "it is neither sent nor received"),
        ('<sms address="1" date="1" type="1" body="&bomb;" />', "it is damaged XML"),
        ('<sms address="1" date="1" type="1" body="a', "it is damaged XML"),
        ('<sms address="1" date="1" date="2" type="1" />', "it is damaged XML"),
        (
            '<mms address="1" date="1" msg_box="1"><part ct="image/png" data="A" /></mms>',
            "a file in it is damaged",
        ),
        ('<mms address="1" date="1" msg_box="1">', "it is damaged XML"),
    ],
)
def test_a_broken_message_damages_no_other(tmp_path, broken, reason):
    good = '<sms address="+44 7700 900123" date="170000000{}000" type="1" body="{}" />'
    text = f"<smses>\n{good.format(1, 'one')}\n{broken}\n{good.format(2, 'two')}\n</smses>"
    records = read(tmp_path, text)
    assert [item.text for item in items(records)] == ["one", "two"]
    assert [(r.locator, r.reason) for r in records if isinstance(r, Bad)] == [
        (f"sms-20231114.xml#{text.index(broken)}", reason)
    ]


def test_entities_of_a_document_type_are_never_declared(tmp_path):
    bomb = '<!DOCTYPE smses [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>\n'
    text = bomb + '<smses><sms address="1" date="1700000000000" type="1" body="&b;" /></smses>'
    assert [record.reason for record in read(tmp_path, text)] == ["it is damaged XML"]


def test_letters_that_no_xml_may_hold_cost_no_message(tmp_path):
    text = (
        '<smses><sms address="1" date="1700000000000" type="1" body="a&#0;b\x0bc&#55357;d&#xD83D;&#xDE00;" />'
        "</smses>"
    )
    (item,) = items(read(tmp_path, text))
    assert item.text in {"abcd😀", "abc\ufffdd😀"}


def test_messages_across_blocks_and_beyond_all_bounds(tmp_path, monkeypatch):
    whole = read(tmp_path, BACKUP)
    monkeypatch.setattr(sms, "_BLOCK", 7)
    assert read(tmp_path, BACKUP) == whole
    monkeypatch.setattr(sms, "_LARGEST_MESSAGE", 500)
    records = read(tmp_path, BACKUP)
    assert len(items(records)) == 5
    assert sum("is not read" in r.reason for r in records if isinstance(r, Bad)) == 1


def test_a_list_of_calls_is_told(tmp_path):
    text = '<?xml version="1.0"?>\n<calls count="1"><call number="1" duration="2" /></calls>'
    (bad,) = read(tmp_path, text)
    assert bad.reason == "a list of calls holds no words"


def test_a_backup_is_known_by_its_root_and_nothing_else_is(tmp_path):
    for name, text, sure in (
        ("renamed.xml", BACKUP, 0.95),
        ("calls.xml", "<calls count='1'>", 0.95),
        ("feed.xml", "<rss><smses/></rss>"[:5], 0.0),
        ("sms.txt", BACKUP, 0.0),
    ):
        (tmp_path / name).write_text(text)
        assert SOURCE.detect(grow(tmp_path / name)) == sure
